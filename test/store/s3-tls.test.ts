import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { type Server, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { BackupError } from '../../src/errors.ts';
import { openS3 } from '../../src/store/open-store.ts';
import type { S3Settings } from '../../src/store/s3/s3-settings.ts';
import { type S3Place, startS3Process } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { storeAccess } from '../support/store-access.ts';

let place: S3Place;
let server: Server;
const dir = scratchDir('tls');
const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];

/** A front with a certificate that nobody knows. */
async function startFront(target: string): Promise<Server> {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const files = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' });
  const options = { key: readFileSync(key), cert: readFileSync(certificate) };
  const front = createServer(options, (incoming, response) => {
    const { method, headers, url } = incoming;
    const onward = request(new URL(url ?? '/', target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  return front;
}

async function roundTrip(settings: Partial<S3Settings>): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const endpoint = `https://127.0.0.1:${port}`;
  const access = storeAccess({ endpoint, retriesMax: 0, ...settings });
  const path = `${place.prefix}tls`;
  const store = await openS3({ kind: 's3', bucket: place.bucket, path }, access);
  const bytes = Buffer.from('over TLS');
  await store.put('x', bytes);
  const back = Buffer.alloc(bytes.length);
  await store.read({ key: 'x', offset: 0 }, back);
  assert.deepEqual(back, bytes);
  await store.delete(['x']);
}

before(async () => {
  place = await startS3Process();
  Object.assign(process.env, place.environment);
  delete process.env['AWS_CA_BUNDLE'];
  server = await startFront(place.endpoint);
});

after(async () => {
  server.close();
  server.closeAllConnections();
  await place.stop();
});

describe('a store with a certificate of its own', () => {
  it('is refused unless somebody vouches for it', async () => {
    await assert.rejects(roundTrip({}), (error) => {
      assert.ok(error instanceof BackupError);
      assert.equal(error.code, 'storage');
      assert.match(error.message, /self-signed certificate/u);
      return true;
    });
  });

  it('is believed by its certificate, by an option or by the environment', async () => {
    await roundTrip({ caFile: certificate });
    process.env['AWS_CA_BUNDLE'] = certificate;
    try {
      await roundTrip({});
    } finally {
      delete process.env['AWS_CA_BUNDLE'];
    }
  });

  it('is believed when certificates do not count', async () => {
    await roundTrip({ verifyTls: false });
  });

  it('is a usage error when the file of certificates is not there', async () => {
    await assert.rejects(roundTrip({ caFile: join(dir, 'none.pem') }), { code: 'usage' });
  });
});
