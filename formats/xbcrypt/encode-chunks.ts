import { randomBytes } from 'node:crypto';
import { encodeChunk, encodeChunkInto } from './chunk.ts';
import { ivBytes, type XbcryptKey } from './key.ts';
import { chunkBytesDefault } from './limits.ts';

/**
 * Cuts bytes into chunks of `chunkBytes` plaintext, the last one short, each
 * with a random IV. Nothing comes out for no bytes: an empty file stays empty.
 */
export function* encodeChunks(
  plaintext: Uint8Array,
  key: XbcryptKey,
  chunkBytes: number = chunkBytesDefault,
): Generator<Uint8Array> {
  for (let at = 0; at < plaintext.length; at += chunkBytes) {
    yield encodeChunk(plaintext.subarray(at, at + chunkBytes), key, freshIv(key));
  }
}

/** The same chunks one behind the other in `target`, which has room for them; returns their length. */
export function encodeChunksInto(
  plaintext: Uint8Array,
  key: XbcryptKey,
  chunkBytes: number,
  target: Uint8Array,
): number {
  let length = 0;
  for (let at = 0; at < plaintext.length; at += chunkBytes) {
    const part = plaintext.subarray(at, at + chunkBytes);
    length += encodeChunkInto(part, key, freshIv(key), target.subarray(length));
  }
  return length;
}

const freshIv = (key: XbcryptKey): Uint8Array =>
  key === 'none' ? new Uint8Array(0) : randomBytes(ivBytes);
