import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { openS3 } from '../../src/store/open-store.ts';
import type { S3Settings } from '../../src/store/s3/s3-settings.ts';
import { type FaultProxy, startFaultProxy } from '../support/s3/fault-proxy.ts';
import { type S3Place, startS3Process } from '../support/s3/s3-place.ts';
import { storeAccess } from '../support/store-access.ts';

const part = randomBytes(1000);

let place: S3Place;
let proxy: FaultProxy;

before(async () => {
  place = await startS3Process();
  Object.assign(process.env, place.environment);
  proxy = await startFaultProxy(place.endpoint);
});

after(async () => {
  await proxy.stop();
  await place.stop();
});

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a backup and its restore send: the headers of each operation. */
async function headersOf(settings: Partial<S3Settings>): Promise<Map<string, Headers>> {
  const seen = proxy.log.length;
  const access = storeAccess({ endpoint: proxy.endpoint, ...settings });
  const path = `${place.prefix}h${seen}`;
  const store = await openS3({ kind: 's3', bucket: place.bucket, path }, access);
  const upload = store.upload('archive');
  await upload.part(1, part);
  await upload.complete();
  await store.put('manifest', part);
  await store.read({ key: 'archive', offset: 0 }, Buffer.alloc(10));
  return new Map(proxy.log.slice(seen).map(({ operation, headers }) => [operation, headers]));
}

describe('what objects in a bucket become', () => {
  it('goes with every request that makes one', async () => {
    const headers = await headersOf({
      storageClass: 'STANDARD_IA',
      encryption: { kind: 'aws:kms', keyId: 'key-1' },
      objectLock: { mode: 'GOVERNANCE', days: 30 },
      legalHold: true,
      tags: ['team=data base', 'keep=a&b'],
    });
    for (const operation of ['CreateMultipartUpload', 'PutObject']) {
      const sent = headers.get(operation) ?? {};
      assert.equal(sent['x-amz-storage-class'], 'STANDARD_IA', operation);
      assert.equal(sent['x-amz-server-side-encryption'], 'aws:kms');
      assert.equal(sent['x-amz-server-side-encryption-aws-kms-key-id'], 'key-1');
      assert.equal(sent['x-amz-tagging'], 'team=data+base&keep=a%26b');
      assert.equal(sent['x-amz-object-lock-mode'], 'GOVERNANCE');
      assert.equal(sent['x-amz-object-lock-legal-hold'], 'ON');
      const until = Date.parse(String(sent['x-amz-object-lock-retain-until-date']));
      assert.ok(Math.abs(until - Date.now() - 30 * 86_400_000) < 3_600_000);
    }
    assert.equal(headers.get('UploadPart')?.['x-amz-storage-class'], undefined);
  });

  it('is nothing in particular unless somebody says so', async () => {
    const headers = await headersOf({});
    const sent = Object.keys(headers.get('CreateMultipartUpload') ?? {});
    const odd = /storage-class|encryption|tagging|object-lock|acl/u;
    assert.deepEqual(
      sent.filter((name) => odd.test(name)),
      [],
    );
  });

  it('is encrypted with the key of the customer, who shows it again to read', async () => {
    const key = Buffer.alloc(32, 5);
    const headers = await headersOf({ encryption: { kind: 'customer', key } });
    for (const operation of [
      'CreateMultipartUpload',
      'UploadPart',
      'CompleteMultipartUpload',
      'PutObject',
      'HeadObject',
      'GetObject',
    ]) {
      const sent = headers.get(operation) ?? {};
      const name = 'x-amz-server-side-encryption-customer-';
      assert.equal(sent[`${name}algorithm`], 'AES256', operation);
      assert.equal(sent[`${name}key`], key.toString('base64'), operation);
      assert.ok(sent[`${name}key-md5`] !== undefined, operation);
    }
  });

  it('is proved by MD5 or by CRC-32, whichever is asked for', async () => {
    const [crc, md5] = [
      (await headersOf({ checksum: 'crc32' })).get('UploadPart') ?? {},
      (await headersOf({ checksum: 'md5' })).get('UploadPart') ?? {},
    ];
    assert.ok(crc['x-amz-checksum-crc32'] !== undefined && crc['content-md5'] === undefined);
    assert.ok(md5['content-md5'] !== undefined && md5['x-amz-checksum-crc32'] === undefined);
    const none = (await headersOf({ checksum: 'none' })).get('UploadPart') ?? {};
    assert.ok(none['content-md5'] === undefined && none['x-amz-checksum-crc32'] === undefined);
    // A store that is like S3 stumbles over trailers.
    for (const sent of [crc, md5, none]) {
      assert.ok(!String(sent['x-amz-content-sha256']).startsWith('STREAMING'));
    }
  });
});
