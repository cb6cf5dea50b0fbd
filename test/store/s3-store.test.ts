import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as http } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { BackupError } from '../../src/errors.ts';
import { openS3 } from '../../src/store/open-store.ts';
import type { S3Settings } from '../../src/store/s3/s3-settings.ts';
import type { S3Store } from '../../src/store/s3/s3-store.ts';
import { type Fault, type FaultScript, failOperation, refusals } from '../support/s3/faults.ts';
import { type FaultProxy, startFaultProxy } from '../support/s3/fault-proxy.ts';
import { type S3Place, startS3Process } from '../support/s3/s3-place.ts';
import { storeAccess } from '../support/store-access.ts';

const MiB = 1024 * 1024;
const part = randomBytes(5 * MiB);
const small = randomBytes(1000);

let place: S3Place;
let proxy: FaultProxy;
let names = 0;

interface Opened {
  store: S3Store;
  /** What was tried again, as it was told. */
  retries: string[];
}

/** A store behind the proxy, which fails as `script` says from now on. */
async function open(
  script: FaultScript = () => undefined,
  settings: Partial<S3Settings> = {},
): Promise<Opened> {
  const earlier = new Map<string, number>();
  for (const { operation, ofOperation } of proxy.log) earlier.set(operation, ofOperation);
  proxy.script = (request) => {
    const ofOperation = request.ofOperation - (earlier.get(request.operation) ?? 0);
    return script({ ...request, ofOperation });
  };
  const access = storeAccess({ endpoint: proxy.endpoint, ...settings });
  names += 1;
  const path = `${place.prefix}s${names}`;
  const store = await openS3({ kind: 's3', bucket: place.bucket, path }, access);
  return { store, retries: access.retries };
}

async function failureOf(step: () => Promise<unknown>): Promise<BackupError> {
  try {
    await step();
  } catch (error) {
    assert.ok(error instanceof BackupError, String(error));
    return error;
  }
  throw new Error('it did not fail');
}

async function read(store: S3Store, key: string, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { etag } = (await store.head(key)) ?? {};
  await store.read({ key, offset, etag }, bytes);
  return bytes;
}

/** An object of three parts, the last one short. */
async function uploadThree(store: S3Store): Promise<void> {
  const upload = store.upload('archive');
  try {
    await Promise.all([upload.part(1, part), upload.part(2, part), upload.part(3, small)]);
    const { size } = await upload.complete();
    assert.equal(size, 2 * part.length + small.length);
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

before(async () => {
  for (const [name, value] of Object.entries((place = await startS3Process()).environment)) {
    process.env[name] = value;
  }
  proxy = await startFaultProxy(place.endpoint);
});

after(async () => {
  await proxy.stop();
  await place.stop();
});

describe('an object in a bucket', () => {
  it('comes back as it was put, whole or in ranges', async () => {
    const { store } = await open();
    await store.put('d/small', small);
    assert.equal((await store.head('d/small'))?.size, small.length);
    assert.deepEqual(await read(store, 'd/small', 0, small.length), small);
    assert.deepEqual(await read(store, 'd/small', 17, 200), small.subarray(17, 217));
    assert.equal(await store.head('d/other'), undefined);
    const listed = [];
    for await (const { key, size } of store.list('')) listed.push([key, size]);
    assert.deepEqual(listed, [['d/small', small.length]]);
    await store.delete(['d/small', 'd/never']);
    assert.equal(await store.head('d/small'), undefined);
  });

  it('is never overwritten', async () => {
    const { store } = await open();
    await store.put('one', small);
    const error = await failureOf(() => store.put('one', part));
    assert.equal(error.code, 'storage');
    assert.match(error.message, /one exists; nothing is ever overwritten/u);
    assert.deepEqual(await read(store, 'one', 0, small.length), small);
  });

  it('is proved by every kind of checksum', async () => {
    for (const checksum of ['crc32', 'md5', 'none'] as const) {
      const { store } = await open(() => undefined, { checksum });
      await store.put('small', small);
      await uploadThree(store);
      assert.deepEqual(await read(store, 'archive', part.length - 5, 10), edge());
    }
  });

  it('is refused as changed when another one took its place while it was read', async () => {
    const { store } = await open();
    await store.put('one', small);
    const { etag } = (await store.head('one')) ?? {};
    await store.delete(['one']);
    await store.put('one', part);
    const into = Buffer.alloc(10);
    const error = await failureOf(() => store.read({ key: 'one', offset: 0, etag }, into));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /was replaced while it was read/u);
  });

  it('is read to its end however often the connection breaks', async () => {
    const cuts: Fault[] = [
      { kind: 'cut-response', after: 300_000 },
      { kind: 'short-response', by: 4_000_000 },
      { kind: 'cut-response', after: 0 },
      { kind: 'refuse', code: 'SlowDown' },
      { kind: 'cut-response', after: 1_000_000 },
    ];
    const { store, retries } = await open(({ operation, ofOperation }) =>
      operation === 'GetObject' ? cuts[ofOperation - 1] : undefined,
    );
    await uploadThree(store);
    const bytes = await read(store, 'archive', 0, 2 * part.length + small.length);
    assert.deepEqual(bytes, Buffer.concat([part, part, small]));
    assert.ok(retries.length >= 2, retries.join('\n'));
  });
});

/** The bytes around the edge of the first part. */
function edge(): Buffer {
  return Buffer.concat([part.subarray(-5), part.subarray(0, 5)]);
}

describe('a request that fails in passing', () => {
  const passing: [string, Fault][] = [
    ['is cut on its way', { kind: 'cut-request', after: 100_000 }],
    ['is done although its answer is lost', { kind: 'lose-answer' }],
    ['is answered with an internal error', { kind: 'refuse', code: 'InternalError' }],
    ['comes too fast', { kind: 'refuse', code: 'SlowDown' }],
    ['finds no service', { kind: 'refuse', code: 'ServiceUnavailable' }],
    ['is refused for a wrong clock', { kind: 'refuse', code: 'RequestTimeTooSkewed' }],
    ['is refused for credentials that have expired', { kind: 'refuse', code: 'ExpiredToken' }],
  ];
  for (const [name, fault] of passing) {
    it(`is sent again when it ${name}`, async () => {
      for (const operation of ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload']) {
        const { store, retries } = await open(failOperation(operation, fault));
        await uploadThree(store);
        assert.equal(retries.length, 1, `${operation}: ${retries.join('; ')}`);
        assert.deepEqual(await read(store, 'archive', part.length - 5, 10), edge());
        assert.deepEqual(await store.openUploads(''), [], operation);
      }
      const { store, retries } = await open(failOperation('PutObject', fault));
      await store.put('manifest', small);
      assert.deepEqual(await read(store, 'manifest', 0, small.length), small);
      assert.equal(retries.length, 1);
    });
  }

  it('is sent again when the bytes or the checksum were changed on the way', async () => {
    const faults: Fault[] = [{ kind: 'flip-request', at: 4_000_000 }, { kind: 'wrong-etag' }];
    for (const fault of faults) {
      const { store, retries } = await open(failOperation('UploadPart', fault));
      await uploadThree(store);
      assert.equal(retries.length, 1, `${fault.kind}: ${retries.join('; ')}`);
      assert.deepEqual(await read(store, 'archive', 0, part.length), part);
    }
  });

  it('is sent again when nothing is heard of it', async () => {
    // Every other request has as long, and must not take it on a busy disk.
    const timeoutMs = 3000;
    const stall = failOperation('UploadPart', { kind: 'stall' });
    const { store, retries } = await open(stall, { timeoutMs });
    await uploadThree(store);
    assert.ok(retries.length >= 1);
    proxy.release();
    const half: Fault = { kind: 'stall-response', after: 1000 };
    const again = await open(failOperation('GetObject', half), { timeoutMs });
    await again.store.put('small', part);
    assert.deepEqual(await read(again.store, 'small', 0, part.length), part);
    proxy.release();
  });
});

describe('two who write under the same name', () => {
  it('end with the object of one of them, which the other does not remove', async () => {
    // Ours is refused in passing, and by the next try somebody else has been there.
    let ourId: string | null = null;
    const { store } = await open(({ operation, query, ofOperation }) => {
      if (operation !== 'CompleteMultipartUpload') return;
      ourId ??= query.get('uploadId');
      if (query.get('uploadId') !== ourId) return;
      return ofOperation === 1 ? { kind: 'refuse', code: 'SlowDown' } : { kind: 'stall' };
    });
    const [ours, theirs] = [store.upload('archive'), store.upload('archive')];
    await ours.part(1, part);
    await theirs.part(1, small);
    const losing = failureOf(() => ours.complete());
    while (proxy.stalled === 0) await new Promise(setImmediate);
    await theirs.complete();
    proxy.release();
    const error = await losing;
    assert.match(error.message, /archive exists; nothing is ever overwritten/u);
    await ours.abort();
    assert.deepEqual(await read(store, 'archive', 0, small.length), small);
    assert.deepEqual(await store.openUploads(''), []);
  });
});

describe('an answer that is not what was asked for', () => {
  it('is not taken for the range, and asked for again', async () => {
    const { store } = await open();
    await uploadThree(store);
    const { size = 0, etag } = (await store.head('archive')) ?? {};
    let answers = 0;
    const ignoring = createServer((request, response) => {
      const { range, ...headers } = request.headers;
      answers += 1;
      const sent = answers === 1 ? headers : { ...headers, range };
      const onward = http(
        new URL(request.url ?? '/', place.endpoint),
        { headers: sent },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      onward.end();
    }).listen(0, '127.0.0.1');
    await once(ignoring, 'listening');
    const { port } = ignoring.address() as AddressInfo;
    const access = storeAccess({ endpoint: `http://127.0.0.1:${port}` });
    const path = `${place.prefix}s${names}`;
    const reader = await openS3({ kind: 's3', bucket: place.bucket, path }, access);
    const into = Buffer.alloc(100);
    await reader.read({ key: 'archive', offset: size - 500, etag }, into);
    assert.deepEqual(into, small.subarray(-500, -400));
    assert.match(access.retries.join(), /another range came than was asked for/u);
    ignoring.close();
    ignoring.closeAllConnections();
  });
});

describe('an upload that cannot be completed', () => {
  const always = (operation: string, fault: Fault): FaultScript =>
    failOperation(operation, fault, { count: Infinity });

  it('is given up after so many tries, and leaves nothing', async () => {
    for (const operation of ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload']) {
      const script = always(operation, { kind: 'refuse', code: 'SlowDown' });
      const { store, retries } = await open(script, { retriesMax: 3 });
      const error = await failureOf(() => uploadThree(store));
      assert.equal(error.code, 'storage');
      assert.match(error.message, /reduce your request rate.*SlowDown.*tried 4 times/u);
      assert.ok(retries.length >= 3);
      assert.deepEqual(await store.openUploads(''), []);
      assert.equal(await store.head('archive'), undefined);
    }
  });

  it('leaves nothing when its beginning was answered too late', async () => {
    const script = always('CreateMultipartUpload', { kind: 'lose-answer' });
    const { store } = await open(script, { retriesMax: 2 });
    await failureOf(() => uploadThree(store));
    assert.deepEqual(await store.openUploads(''), []);
  });

  it('is a matter of credentials when the store does not know or allow who asks', async () => {
    const codes = ['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch'] as const;
    for (const code of codes) {
      const { store, retries } = await open(always('UploadPart', { kind: 'refuse', code }));
      const error = await failureOf(() => uploadThree(store));
      assert.equal(error.code, 'credentials', code);
      assert.ok(error.message.includes(refusals[code][1]), error.message);
      assert.deepEqual(retries, []);
    }
    const expired = always('UploadPart', { kind: 'refuse', code: 'ExpiredToken' });
    const { store } = await open(expired, { retriesMax: 2 });
    assert.equal((await failureOf(() => uploadThree(store))).code, 'credentials');
    assert.deepEqual(await store.openUploads(''), []);
  });

  it('is not complete where the store says so late, or where parts are missing', async () => {
    const late: Fault = { kind: 'refuse', code: 'InternalError', status: 200 };
    const { store, retries } = await open(failOperation('CompleteMultipartUpload', late));
    await uploadThree(store);
    assert.equal(retries.length, 1);
    const { store: other } = await open();
    const upload = other.upload('archive');
    await upload.part(1, small);
    await upload.part(2, small);
    const error = await failureOf(() => upload.complete());
    assert.match(error.message, /EntityTooSmall/u);
    await upload.abort();
    assert.deepEqual(await other.openUploads(''), []);
  });

  it('shows as open, with its last activity, until it is aborted', async () => {
    const { store } = await open();
    const upload = store.upload('d/archive');
    await upload.part(1, part);
    const [open1, ...others] = (await store.openUploads('d/')) ?? [];
    assert.deepEqual(others, []);
    assert.equal(open1?.key, 'd/archive');
    assert.ok(Date.now() - open1.active.getTime() < 3_600_000);
    await store.abortUpload(open1);
    assert.deepEqual(await store.openUploads(''), []);
    // Gone already: that is what was wanted.
    await upload.abort();
  });
});

describe('a bucket that cannot be reached', () => {
  it('is said to be missing, or to refuse', async () => {
    const access = storeAccess({ endpoint: place.endpoint });
    const store = await openS3({ kind: 's3', bucket: 'nobody-has-this-bucket', path: '' }, access);
    const error = await failureOf(() => store.put('x', small));
    assert.equal(error.code, 'storage');
    assert.match(error.message, /NoSuchBucket/u);
    assert.match(error.hint ?? '', /must exist/u);
  });

  it('is tried so many times when nothing listens', async () => {
    const access = storeAccess({ endpoint: 'http://127.0.0.1:1', retriesMax: 2 });
    const store = await openS3({ kind: 's3', bucket: 'b', path: 'p' }, access);
    const error = await failureOf(() => store.head('x'));
    assert.equal(error.code, 'storage');
    assert.match(error.message, /^s3:\/\/b\/p\/x: .*ECONNREFUSED.*tried 3 times/u);
    assert.equal(access.retries.length, 2);
  });
});
