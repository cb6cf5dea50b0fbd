import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { openS3 } from '../../src/store/open-store.ts';
import { failOperation } from '../support/s3/faults.ts';
import { type FaultProxy, startFaultProxy } from '../support/s3/fault-proxy.ts';
import { type S3Place, startS3Process } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { storeAccess } from '../support/store-access.ts';

const part = randomBytes(1000);
const dir = scratchDir('credentials');
const [config, calls, helper] = ['config', 'calls', 'helper'].map((name) => join(dir, name)) as [
  string,
  string,
  string,
];

let place: S3Place;
let proxy: FaultProxy;

before(async () => {
  // The keys of an endpoint that the environment names cannot be put into a profile here.
  delete process.env['XBPIPE_TEST_S3_ENDPOINT'];
  place = await startS3Process();
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) Reflect.deleteProperty(process.env, name);
  }
  proxy = await startFaultProxy(place.endpoint);
  // Each call hands out another session of the same keys, as a role does.
  const answer =
    '{"Version":1,"AccessKeyId":"S3RVER","SecretAccessKey":"S3RVER","SessionToken":"session-%s"}';
  writeFileSync(
    helper,
    `#!/bin/sh\necho x >> '${calls}'\nprintf '${answer}' "$(wc -l < '${calls}' | tr -d ' ')"\n`,
  );
  chmodSync(helper, 0o700);
  writeFileSync(calls, '');
  writeFileSync(config, `[profile role]\nregion = eu-west-1\ncredential_process = ${helper}\n`);
  const settings = { AWS_CONFIG_FILE: config, AWS_PROFILE: 'role' };
  Object.assign(process.env, settings, {
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
});

after(async () => {
  await proxy.stop();
  await place.stop();
});

describe('the credentials of a profile', () => {
  it('are used, and asked for anew when the store calls them expired', async () => {
    const access = storeAccess({ endpoint: proxy.endpoint });
    const store = await openS3({ kind: 's3', bucket: place.bucket, path: 'profile' }, access);
    proxy.script = failOperation('UploadPart', { kind: 'refuse', code: 'ExpiredToken' });
    const upload = store.upload('archive');
    await upload.part(1, part);
    await upload.complete();
    assert.equal(readFileSync(calls, 'utf8').trim().split('\n').length, 2);
    const sessions = proxy.log.map(({ operation, headers, fault }) => [
      operation,
      headers['x-amz-security-token'],
      fault === undefined,
    ]);
    assert.deepEqual(sessions.slice(0, 3), [
      ['CreateMultipartUpload', 'session-1', true],
      ['UploadPart', 'session-1', false],
      ['UploadPart', 'session-2', true],
    ]);
    assert.ok(sessions.slice(2).every(([, session]) => session === 'session-2'));
    const [{ headers }] = proxy.log as [(typeof proxy.log)[number]];
    assert.match(String(headers['authorization']), /Credential=S3RVER\/\d+\/eu-west-1\/s3\//u);
  });

  it('are never in what is said of a failure', async () => {
    const access = storeAccess({ endpoint: proxy.endpoint, retriesMax: 1 });
    const store = await openS3({ kind: 's3', bucket: place.bucket, path: 'profile' }, access);
    proxy.script = (): { kind: 'refuse'; code: 'InternalError' } => ({
      kind: 'refuse',
      code: 'InternalError',
    });
    const said: string[] = [];
    await store.head('x').catch((error: unknown) => said.push(String(error)));
    await store.put('x', part).catch((error: unknown) => said.push(JSON.stringify(error)));
    proxy.script = () => undefined;
    assert.equal(said.length, 2);
    for (const text of [...said, ...access.retries]) assert.doesNotMatch(text, /S3RVER|session-/u);
  });
});
