// The same commands on a bucket, which is the embedded one or whatever the environment names.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { encodeManifest } from '../../formats/archive-record/index.ts';
import { readCatalogue } from '../../src/catalogue/read-catalogue.ts';
import { findOrphans, idleOrphans, removeOrphans } from '../../src/catalogue/orphans.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { manifestOf } from '../catalogue/support.ts';
import { runWithBucket } from '../story/bucket-support.ts';
import { s3Client } from '../support/s3/client.ts';
import { failOperation } from '../support/s3/faults.ts';
import { startFaultProxy } from '../support/s3/fault-proxy.ts';
import { type S3Place, startS3Process } from '../support/s3/s3-place.ts';
import { storeAccess } from '../support/store-access.ts';
import type { ToolResult } from '../support/tool.ts';

let place: S3Place;
let client: S3Client;

before(async () => {
  place = await startS3Process();
  client = s3Client(place, { maxAttempts: 3 });
  Object.assign(process.env, place.environment);
});

after(async () => {
  client.destroy();
  await place.stop();
});

async function ask(
  args: readonly string[],
  endpoint = place.endpoint,
): Promise<ToolResult & { answer: string }> {
  return await runWithBucket({ ...place, endpoint }, [...args, '--no-defaults']);
}

async function put(key: string, Body: Uint8Array): Promise<void> {
  const Key = place.prefix + key;
  await client.send(new PutObjectCommand({ Bucket: place.bucket, Key, Body }));
}

/** A backup of two objects whose id is its name. */
async function putBackup(name: string, startedAt: string, parentId?: string): Promise<void> {
  const objects = [
    { name: 'archive.xbs', size: 10 },
    { name: 'archive.0002.xbs', size: 3 },
  ];
  const manifest = manifestOf(name, startedAt, { parentId, objects });
  for (const object of objects) await put(`${name}/${object.name}`, new Uint8Array(object.size));
  await put(`${name}/manifest.json`, encodeManifest(manifest));
}

/** Begins an upload, sends one part and leaves it so. */
async function leaveUpload(key: string, Body: Uint8Array): Promise<void> {
  const target = { Bucket: place.bucket, Key: place.prefix + key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  await client.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body }));
}

async function storeAt(name: string): Promise<ObjectStore> {
  const access = storeAccess({ endpoint: place.endpoint });
  const path = place.prefix + name;
  return await openStore({ kind: 's3', bucket: place.bucket, path }, access);
}

const keysBelow = async (name: string): Promise<string[]> =>
  (await place.keys()).filter((key) => key.startsWith(`${name}/`));

describe('a catalogue of a bucket', () => {
  it('takes a listing and one request for each manifest', async (t) => {
    await putBackup('listed/a', '2026-11-02T01:00:00Z');
    await putBackup('listed/b', '2026-11-03T01:00:00Z', 'listed/a');
    await put('listed/c/manifest.json', Buffer.from('{'));
    await place.resetCounts();
    const { status, answer, stderr } = await ask(['list', '--json', place.url('listed')]);
    assert.equal(status, 0, stderr);
    const { backups } = JSON.parse(answer) as { backups: { name: string; state: string }[] };
    assert.deepEqual(
      backups.map(({ name, state }) => [name, state]),
      [
        ['a', 'ok'],
        ['b', 'ok'],
        ['c', 'unreadable'],
      ],
    );
    const counts = await place.requestCounts();
    if (!counts) {
      t.diagnostic('nobody counts the requests of this endpoint');
      return;
    }
    assert.deepEqual({ ...counts }, { ListObjectsV2: 1, GetObject: 3 });
  });

  it('warns of a prefix that has nothing below it: it may be misspelt', async () => {
    for (const args of [['list'], ['expire', '--keep-days=1']]) {
      const { status, stderr } = await ask([...args, place.url('lsited')]);
      assert.equal(status, 0, stderr);
      assert.match(stderr, /WARNING: nothing lies below s3:\S+lsited/u);
    }
  });

  it('refuses to break a chain, and deletes one whole', async () => {
    await putBackup('chain/a', '2026-11-02T01:00:00Z');
    await putBackup('chain/b', '2026-11-03T01:00:00Z', 'chain/a');
    await putBackup('chain/c', '2026-11-04T01:00:00Z');
    assert.equal((await ask(['delete', '--yes', place.url('chain/a')])).status, 40);
    assert.equal((await keysBelow('chain')).length, 9);
    const { status, stderr } = await ask(['delete', '--yes', '--chain', place.url('chain/a')]);
    assert.equal(status, 0, stderr);
    assert.deepEqual(await keysBelow('chain'), [
      'chain/c/archive.0002.xbs',
      'chain/c/archive.xbs',
      'chain/c/manifest.json',
    ]);
  });

  it('shows and cleans up what backups that died left, uploads with their sizes', async () => {
    await putBackup('left/good', '2026-11-02T01:00:00Z');
    await put('left/dead/archive.xbs', new Uint8Array(5));
    await leaveUpload('left/dead/archive.0002.xbs', new Uint8Array(7));
    await leaveUpload('left/piped.xbs', new Uint8Array(11));
    const shown = await ask(['list', '--orphans', '--json', place.url('left')]);
    const { orphans } = JSON.parse(shown.answer) as { orphans: { name: string; size: number }[] };
    assert.deepEqual(
      orphans.map(({ name, size }) => [name, size]),
      [
        ['', 11],
        ['dead', 12],
      ],
    );
    // All of it is of now: a running backup looks like that.
    const young = await ask(['delete', '--orphans', '--yes', place.url('left')]);
    assert.equal(young.status, 0, young.stderr);
    assert.match(young.stderr, /dead is left: it may be running/u);
    assert.equal((await keysBelow('left')).length, 4);
    const store = await storeAt('left');
    const uploads = await store.openUploads('');
    const { found } = findOrphans(await readCatalogue(store), uploads);
    const tomorrow = new Date(Date.now() + 25 * 60 * 60 * 1000);
    assert.equal(await removeOrphans(store, idleOrphans(found, 24, tomorrow).idle), 2);
    assert.equal((await keysBelow('left')).length, 3);
    assert.deepEqual(
      (await place.openUploads()).filter(({ key }) => key.startsWith('left/')),
      [],
    );
  });

  it('says which object a store keeps, with status 21', async () => {
    await putBackup('locked/a', '2026-11-02T01:00:00Z');
    const proxy = await startFaultProxy(
      place.endpoint,
      failOperation('DeleteObject', { kind: 'refuse', code: 'AccessDenied' }, { first: 2 }),
    );
    try {
      const args = ['delete', '--yes', place.url('locked/a')];
      const { status, stderr } = await ask(args, proxy.endpoint);
      assert.equal(status, 21, stderr);
      assert.match(
        stderr,
        /locked\/a\/archive\.xbs: .*AccessDenied.*; 1 of 3 objects are deleted/u,
      );
      assert.match(stderr, /HINT: an object lock or a policy may keep it/u);
    } finally {
      await proxy.stop();
    }
  });

  it('asks again about an upload, so that a busy store does not make it look old', async () => {
    await leaveUpload('busy/archive.xbs', new Uint8Array(9));
    const proxy = await startFaultProxy(
      place.endpoint,
      failOperation('ListParts', { kind: 'refuse', code: 'SlowDown' }, { count: 2 }),
    );
    try {
      const args = ['list', '--orphans', '--json', place.url('busy')];
      const { answer, stderr } = await ask(args, proxy.endpoint);
      assert.match(stderr, /trying again/u);
      const { orphans } = JSON.parse(answer) as { orphans: { size: number }[] };
      assert.deepEqual(
        orphans.map(({ size }) => size),
        [9],
      );
    } finally {
      await proxy.stop();
    }
  });
});
