import { randomBytes } from 'node:crypto';
import { encodeChunk } from './chunk.ts';
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
    const iv = key === 'none' ? new Uint8Array(0) : randomBytes(ivBytes);
    yield encodeChunk(plaintext.subarray(at, at + chunkBytes), key, iv);
  }
}
