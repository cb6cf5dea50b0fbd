import { createCipheriv, hash } from 'node:crypto';
import { crc32 } from '../crc.ts';
import { layout, raw, u32le, u64le, type Decoded, type Layout } from '../layout.ts';
import { cipherOf, ivBytes, type XbcryptKey } from './key.ts';
import { chunkBytesMax, hashBytes, sizeMax } from './limits.ts';

// xbcrypt chunk, see chunk.md. A file is a sequence of them with nothing around.

const shortTable = {
  magic: [raw(8), '`XBCRYP01`, `XBCRYP02` or `XBCRYP03`'],
  reserved: [u64le, 'written 0, not looked at'],
  originalSize: [u64le, 'size before encryption, the hash included'],
  encryptedSize: [u64le, 'size of the ciphertext; equal to the original size'],
  checksum: [u32le, 'CRC-32 of the ciphertext (not of header and IV)'],
} as const;

const table = { ...shortTable, ivLength: [u64le, '16 for AES, 0 for algorithm NONE'] } as const;

/** Header of version 1. */
export const shortHeader: Layout<typeof shortTable> = layout('xbcrypt chunk', shortTable);

/** Header of versions 2 and 3; the IV and then the ciphertext follow. */
export const chunkHeader: Layout<typeof table> = layout('xbcrypt chunk', table);

export type ChunkVersion = 1 | 2 | 3;
export type ChunkHeader = Decoded<typeof table>;

/** Bytes that encryption adds to a chunk. */
export const chunkOverhead = chunkHeader.size + ivBytes + hashBytes;

export const magicBytes = 8;
const magicText = 'XBCRYP0';

/** The first eight bytes of a chunk. */
export function magicOf(version: ChunkVersion): Uint8Array {
  return new TextEncoder().encode(`${magicText}${version}`);
}

/** The version that a magic names, or undefined when it is none. */
export function versionOf(magic: Uint8Array): ChunkVersion | undefined {
  const versions: ChunkVersion[] = [3, 2, 1];
  return versions.find((version) => equal(magicOf(version), magic));
}

/** True when bytes, however few, can be the beginning of a chunk. */
export function isMagicPrefix(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, magicText.length);
  return equal(head, magicOf(3).subarray(0, head.length));
}

/** A rule of the header that is broken, with the field it is about. */
export interface BrokenRule {
  field: keyof ChunkHeader;
  message: string;
}

/** The first rule that a header breaks; `plainMax` bounds the plaintext, in bytes. */
export function validateHeader(
  version: ChunkVersion,
  header: ChunkHeader,
  plainMax: number,
): BrokenRule | undefined {
  const extra = version === 3 ? BigInt(hashBytes) : 0n;
  const { originalSize, encryptedSize, ivLength } = header;
  for (const [field, size] of Object.entries({ originalSize, encryptedSize })) {
    if (size > BigInt(sizeMax)) {
      return { field: field as keyof ChunkHeader, message: `${size} is over the limit ${sizeMax}` };
    }
  }
  if (encryptedSize <= extra) {
    return { field: 'encryptedSize', message: `${encryptedSize} leaves no plaintext` };
  }
  // Writers put the same number in both; without the hash in the first it means the same.
  if (originalSize !== encryptedSize && originalSize + extra !== encryptedSize) {
    return { field: 'originalSize', message: `${originalSize} beside ${encryptedSize} encrypted` };
  }
  if (encryptedSize - extra > BigInt(plainMax)) {
    const message = `${encryptedSize - extra} bytes of plaintext are over the limit ${plainMax}`;
    return { field: 'encryptedSize', message };
  }
  if (ivLength !== 0n && ivLength !== BigInt(ivBytes)) {
    return { field: 'ivLength', message: `${ivLength} is neither 0 nor ${ivBytes}` };
  }
  return undefined;
}

/** SHA-256 as bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/**
 * One chunk of version 3. `iv` must be fresh for every chunk under a key
 * (see `encodeChunks`), and empty for the key `none`.
 * @throws RangeError when plaintext, key or IV have a length that the format does not have.
 */
export function encodeChunk(plaintext: Uint8Array, key: XbcryptKey, iv: Uint8Array): Uint8Array {
  refuseUnfit(plaintext, key, iv);
  const size = chunkHeader.size + iv.length + plaintext.length + hashBytes;
  // A buffer of its own, not of the pool: chunks are handed from thread to thread.
  const chunk = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  encodeChunkInto(plaintext, key, iv, chunk);
  return chunk;
}

/** The same into `target`, which has room for it; returns the length of the chunk. */
export function encodeChunkInto(
  plaintext: Uint8Array,
  key: XbcryptKey,
  iv: Uint8Array,
  target: Uint8Array,
): number {
  refuseUnfit(plaintext, key, iv);
  const bodyAt = chunkHeader.size + iv.length;
  const size = plaintext.length + hashBytes;
  const digest = sha256(plaintext);
  if (key === 'none') {
    target.set(plaintext, bodyAt);
    target.set(digest, bodyAt + plaintext.length);
  } else {
    const cipher = createCipheriv(cipherOf(key), key, iv);
    target.set(cipher.update(plaintext), bodyAt);
    target.set(cipher.update(digest), bodyAt + plaintext.length);
  }
  target.set(iv, chunkHeader.size);
  target.set(
    chunkHeader.encode({
      magic: magicOf(3),
      reserved: 0n,
      originalSize: BigInt(size),
      encryptedSize: BigInt(size),
      checksum: crc32(target.subarray(bodyAt, bodyAt + size)),
      ivLength: BigInt(iv.length),
    }),
  );
  return bodyAt + size;
}

function refuseUnfit(plaintext: Uint8Array, key: XbcryptKey, iv: Uint8Array): void {
  if (plaintext.length === 0) throw new RangeError('a chunk without plaintext is never written');
  if (plaintext.length > chunkBytesMax) {
    throw new RangeError(`${plaintext.length} bytes are over the limit ${chunkBytesMax}`);
  }
  const wanted = key === 'none' ? 0 : ivBytes;
  if (iv.length !== wanted) throw new RangeError(`an IV of ${iv.length} bytes, not ${wanted}`);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
