// The body of an upload, taken to a file of its own and checked as S3 does.

import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { crc32, crc32c } from '@node-rs/crc32';
import S3Error from 's3rver/lib/models/error.js';

import { AwsChunkedDecoder } from './aws-chunked.ts';

export interface Received {
  readonly path: string;
  readonly size: number;
  /** MD5, in hexadecimal digits. */
  readonly etag: string;
  /** `x-amz-checksum-*` that came with it and were right; Base64. */
  readonly checksums: Record<string, string>;
}

interface Digest {
  update(data: Uint8Array): unknown;
  digest(): Buffer;
}

const crcDigest = (step: (data: Uint8Array, before: number) => number): Digest => {
  let crc = 0;
  return {
    update: (data) => (crc = step(data, crc)),
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc);
      return bytes;
    },
  };
};

const algorithms: Record<string, () => Digest> = {
  crc32: () => crcDigest(crc32),
  crc32c: () => crcDigest(crc32c),
  sha1: () => createHash('sha1'),
  sha256: () => createHash('sha256'),
};

const checksumName = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/u;

/** The algorithms whose checksum comes with a request, be it before or after its body. */
const announced = (request: IncomingMessage): string[] =>
  [...Object.keys(request.headers), String(request.headers['x-amz-trailer'] ?? '')].flatMap(
    (name) => checksumName.exec(name)?.[1] ?? [],
  );

/** S3 takes no body of unknown length. */
const declaredSize = (request: IncomingMessage, sizeMax: number): number => {
  const given =
    request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length'];
  if (given === undefined) {
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (Number(given) > sizeMax) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
  }
  return Number(given);
};

const digestsFor = (request: IncomingMessage): Map<string, Digest> => {
  const digests = new Map<string, Digest>([['md5', createHash('md5')]]);
  const isHashed = /^[0-9a-f]{64}$/iu.test(String(request.headers['x-amz-content-sha256']));
  for (const name of [...announced(request), ...(isHashed ? ['sha256'] : [])]) {
    const make = algorithms[name];
    if (make === undefined) throw new S3Error('NotImplemented', `${name} is not checked here`);
    digests.set(name, make());
  }
  return digests;
};

/** Compares what was computed with what the client said; throws what S3 would. */
const checkDigests = (
  sums: ReadonlyMap<string, Buffer>,
  { headers }: IncomingMessage,
  trailers: Record<string, string>,
): Record<string, string> => {
  const md5 = headers['content-md5'];
  if (md5 !== undefined && Buffer.from(String(md5), 'base64').length !== 16) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  }
  if (md5 !== undefined && md5 !== sums.get('md5')?.toString('base64')) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const sha256 = sums.get('sha256')?.toString('hex');
  const signed = String(headers['x-amz-content-sha256']).toLowerCase();
  if (/^[0-9a-f]{64}$/u.test(signed) && signed !== sha256) {
    const code = 'XAmzContentSHA256Mismatch';
    const error = new S3Error(code, "The provided 'x-amz-content-sha256' does not match.");
    error.status = 400;
    throw error;
  }
  const given = Object.entries({ ...headers, ...trailers }).filter(([name]) =>
    checksumName.test(name),
  ) as [string, string][];
  for (const [header, value] of given) {
    const name = checksumName.exec(header)?.[1] ?? '';
    if (sums.get(name)?.toString('base64') !== value) {
      const kind = name.toUpperCase();
      throw new S3Error('BadDigest', `The ${kind} you specified did not match what we received.`);
    }
  }
  return Object.fromEntries(given);
};

/**
 * Takes the body of `request` to a new file in `folder`. Throws S3's refusals, and the stream's
 * own error when the client goes away; nothing is left behind then.
 */
export async function receiveBody(
  request: IncomingMessage,
  folder: string,
  sizeMax = Infinity,
): Promise<Received> {
  const declared = declaredSize(request, sizeMax);
  const digests = digestsFor(request);
  const path = join(folder, randomUUID());
  let size = 0;
  const measure = new Transform({
    transform: (data: Buffer, _encoding, done) => {
      size += data.length;
      for (const digest of digests.values()) digest.update(data);
      done(null, data);
    },
  });
  const isFramed = String(request.headers['x-amz-content-sha256']).startsWith('STREAMING-');
  const decoder = new AwsChunkedDecoder();
  try {
    const steps = isFramed ? [decoder, measure] : [measure];
    await pipeline([request, ...steps, createWriteStream(path)]);
    if (size !== declared) {
      throw new S3Error('IncompleteBody', 'The body is not as long as Content-Length says.');
    }
    const sums = new Map([...digests].map(([name, digest]) => [name, digest.digest()] as const));
    const checksums = checkDigests(sums, request, decoder.trailers);
    return { path, size, etag: sums.get('md5')?.toString('hex') ?? '', checksums };
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}
