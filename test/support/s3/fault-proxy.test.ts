import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { s3Client } from './client.ts';
import { behind, type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { failOperation, randomFaults, type Refusal, refusals } from './faults.ts';
import { type S3Place, startS3 } from './s3-place.ts';

const body = randomBytes(3_000_000);

/** Reads to the end; says how much came, what it was, and with which error it ended. */
const read = async (
  stream: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Buffer; error: Error | undefined }> => {
  const pieces: Uint8Array[] = [];
  let error: Error | undefined;
  try {
    for await (const piece of stream) pieces.push(piece);
  } catch (thrown) {
    error = thrown as Error;
  }
  return { bytes: Buffer.concat(pieces), error };
};

describe('the proxy between tool and store', () => {
  let place: S3Place;
  let proxy: FaultProxy;
  let client: S3Client;
  let count = 0;

  before(async () => {
    place = await startS3();
    proxy = await startFaultProxy(place.endpoint);
    client = s3Client(behind(place, proxy));
  });
  after(async () => {
    client.destroy();
    await proxy.stop();
    await place.stop();
  });
  afterEach(() => {
    proxy.script = () => undefined;
  });

  /** The script counts from where the log is. */
  const failNext = (operation: string, fault: Parameters<typeof failOperation>[1]): void => {
    const first = proxy.log.filter((request) => request.operation === operation).length + 1;
    proxy.script = failOperation(operation, fault, { first });
  };
  const fresh = (): string => `object-${(count += 1)}`;
  const target = (name: string): { Bucket: string; Key: string } => ({
    Bucket: place.bucket,
    Key: `${place.prefix}${name}`,
  });
  const put = async (name: string, Body: Uint8Array = body): Promise<string | undefined> =>
    (await client.send(new PutObjectCommand({ ...target(name), Body }))).ETag;
  const get = async (name: string) => {
    const { Body, ...head } = await client.send(new GetObjectCommand(target(name)));
    return { ...head, ...(await read(Body as unknown as AsyncIterable<Uint8Array>)) };
  };
  const exists = async (name: string): Promise<boolean> => (await place.keys()).includes(name);

  it('passes on everything, the Host header as it was sent', async () => {
    const name = fresh();
    await put(name);
    const { bytes } = await get(name);
    assert.ok(bytes.equals(body));
    const [first] = proxy.log;
    assert.equal(first?.operation, 'PutObject');
    assert.equal(first.headers['host'], new URL(proxy.endpoint).host);
    const told = await client.send(new HeadObjectCommand(target(name)));
    assert.equal(told.ContentLength, body.length);
  });

  for (const after of [0, 1, 1_000_000, body.length - 1, body.length]) {
    it(`cuts a request after ${after} bytes, so that nothing is stored`, async () => {
      const name = fresh();
      failNext('PutObject', { kind: 'cut-request', after });
      await assert.rejects(put(name));
      assert.equal(await exists(name), false);
      await put(name);
      assert.equal(await exists(name), true);
    });
  }

  it('cuts a part, which then is as it was before', async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(target(fresh())));
    const of = { Bucket: place.bucket, Key: target(`object-${count}`).Key, UploadId };
    const part = { ...of, PartNumber: 1 };
    const listed = async () =>
      (await client.send(new ListPartsCommand(of))).Parts?.map(({ Size }) => Size);
    for (const before of [undefined, [5]]) {
      failNext('UploadPart', { kind: 'cut-request', after: 2_000_000 });
      await assert.rejects(client.send(new UploadPartCommand({ ...part, Body: body })));
      assert.deepEqual(await listed(), before);
      await client.send(new UploadPartCommand({ ...part, Body: body.subarray(0, 5) }));
    }
    assert.deepEqual(await listed(), [5]);
    await client.send(new AbortMultipartUploadCommand(of));
  });

  for (const after of [0, 1, 1_000_000, body.length - 1]) {
    it(`cuts an answer after exactly ${after} bytes`, async () => {
      const name = fresh();
      await put(name);
      failNext('GetObject', { kind: 'cut-response', after });
      const { bytes, error, ContentLength } = await get(name);
      assert.equal(ContentLength, body.length);
      assert.ok(error);
      assert.equal(bytes.length, after);
      assert.ok(bytes.equals(body.subarray(0, after)));
    });
  }

  it('loses the answer to what the store has done', async () => {
    const name = fresh();
    failNext('PutObject', { kind: 'lose-answer' });
    await assert.rejects(put(name));
    assert.equal(await exists(name), true);
  });

  it('stalls a request until it is released, and only then passes it on', async () => {
    const name = fresh();
    failNext('PutObject', { kind: 'stall' });
    const sent = put(name);
    while (proxy.stalled === 0) await sleep(5);
    assert.equal(await exists(name), false);
    proxy.release();
    await sent;
    assert.equal(await exists(name), true);
  });

  it('stalls a request until the client gives up', async () => {
    const name = fresh();
    failNext('PutObject', { kind: 'stall' });
    const giveUp = new AbortController();
    const sent = client.send(new PutObjectCommand({ ...target(name), Body: body }), {
      abortSignal: giveUp.signal,
    });
    while (proxy.stalled === 0) await sleep(5);
    giveUp.abort();
    await assert.rejects(sent);
    while (proxy.stalled > 0) await sleep(5);
    assert.equal(await exists(name), false);
  });

  it('stalls an answer in its body until it is released', async () => {
    const name = fresh();
    await put(name);
    failNext('GetObject', { kind: 'stall-response', after: 100_000 });
    const got = get(name);
    while (proxy.stalled === 0) await sleep(5);
    proxy.release();
    const { bytes, error } = await got;
    assert.equal(error, undefined);
    assert.ok(bytes.equals(body));
  });

  for (const code of Object.keys(refusals) as Refusal[]) {
    it(`refuses with ${code}, and the store sees nothing`, async () => {
      const name = fresh();
      failNext('PutObject', { kind: 'refuse', code });
      const [httpStatusCode] = refusals[code];
      await assert.rejects(put(name), (error: Error & { $metadata?: Record<string, unknown> }) => {
        assert.deepEqual([error.name, error.$metadata?.['httpStatusCode']], [code, httpStatusCode]);
        return true;
      });
      assert.equal(await exists(name), false);
    });
  }

  it('answers with ETags that are wrong, in headers and in XML', async () => {
    const name = fresh();
    failNext('PutObject', { kind: 'wrong-etag' });
    const wrong = await put(name);
    assert.match(wrong ?? '', /^"[\da-f]{32}"$/u);
    const { ETag } = await client.send(new HeadObjectCommand(target(name)));
    assert.notEqual(wrong, ETag);
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(target(name)));
    const of = { ...target(name), UploadId };
    const part = await client.send(new UploadPartCommand({ ...of, PartNumber: 1, Body: body }));
    failNext('CompleteMultipartUpload', { kind: 'wrong-etag' });
    const completed = await client.send(
      new CompleteMultipartUploadCommand({
        ...of,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
      }),
    );
    const told = await client.send(new HeadObjectCommand(target(name)));
    assert.match(completed.ETag ?? '', /^"[\da-f]{32}-1"$/u);
    assert.notEqual(completed.ETag, told.ETag);
  });

  it('fails a completion with an error in an answer that begins as a success', async () => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(target(fresh())));
    failNext('CompleteMultipartUpload', { kind: 'refuse', code: 'InternalError', status: 200 });
    const late = client.send(new CompleteMultipartUploadCommand({ ...target('object'), UploadId }));
    await assert.rejects(late, { name: 'InternalError' });
  });

  it('shortens an answer with a Content-Length that fits', async () => {
    const name = fresh();
    await put(name);
    failNext('GetObject', { kind: 'short-response', by: 1000 });
    const { bytes, error, ContentLength } = await get(name);
    assert.deepEqual([error, ContentLength], [undefined, body.length - 1000]);
    assert.ok(bytes.equals(body.subarray(0, -1000)));
  });

  it('flips one bit on the way to the client, or to the store, which refuses it', async () => {
    const name = fresh();
    failNext('PutObject', { kind: 'flip-request', at: 2_000_000 });
    await assert.rejects(put(name), { name: 'XAmzContentSHA256Mismatch' });
    assert.equal(await exists(name), false);
    await put(name);
    failNext('GetObject', { kind: 'flip-response', at: 2_000_000 });
    const { bytes, error } = await get(name);
    const expected = Buffer.from(body);
    expected.writeUInt8(expected.readUInt8(2_000_000) ^ 1, 2_000_000);
    assert.equal(error, undefined);
    assert.ok(bytes.equals(expected));
  });

  it('fails at random, the same way for the same seed, and a client that retries gets through', async () => {
    const script = (seed: number) => {
      const decide = randomFaults(seed, 0.5);
      const request = proxy.log[0];
      assert.ok(request);
      return Array.from({ length: 50 }, () => decide(request));
    };
    assert.deepEqual(script(1), script(1));
    assert.notDeepEqual(script(1), script(2));
    const before = proxy.log.length;
    proxy.script = randomFaults(7, 0.4);
    const patient = s3Client(behind(place, proxy), { maxAttempts: 30 });
    const names = Array.from({ length: 12 }, fresh);
    for (const name of names) {
      await patient.send(new PutObjectCommand({ ...target(name), Body: body.subarray(0, 1000) }));
    }
    patient.destroy();
    const failed = proxy.log.slice(before).filter(({ fault }) => fault !== undefined).length;
    assert.ok(failed > 0);
    assert.equal(proxy.log.length, before + names.length + failed);
    proxy.script = () => undefined;
    for (const name of names) {
      assert.ok((await get(name)).bytes.equals(body.subarray(0, 1000)));
    }
  });
});
