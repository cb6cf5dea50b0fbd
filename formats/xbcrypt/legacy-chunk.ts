import { createCipheriv } from 'node:crypto';
import { crc32 } from '../crc.ts';
import { chunkHeader, magicOf, shortHeader } from './chunk.ts';
import { cipherOf, ivBytes } from './key.ts';

/**
 * One chunk of version 1 or 2, as tools up to 2.4.4 wrote it: no hash, and the
 * counter starts at zero in every chunk whatever IV is stored. Two chunks under
 * one key give away the difference of their plaintexts, so this is for tests
 * and for looking at old files; nothing writes it.
 */
export function encodeLegacyChunk(
  version: 1 | 2,
  plaintext: Uint8Array,
  key: Uint8Array,
  iv: Uint8Array = new Uint8Array(ivBytes),
): Uint8Array {
  const cipher = createCipheriv(cipherOf(key), key, new Uint8Array(ivBytes));
  const ciphertext = cipher.update(plaintext);
  const fields = {
    magic: magicOf(version),
    reserved: 0n,
    originalSize: BigInt(plaintext.length),
    encryptedSize: BigInt(plaintext.length),
    checksum: crc32(ciphertext),
  };
  const parts =
    version === 1
      ? [shortHeader.encode(fields), ciphertext]
      : [chunkHeader.encode({ ...fields, ivLength: BigInt(iv.length) }), iv, ciphertext];
  return new Uint8Array(Buffer.concat(parts));
}
