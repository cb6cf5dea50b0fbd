/** Content, keys and programs for the tests of what members go through. */
import { execFileSync } from 'node:child_process';
import { MemberDecoder, type Suffix } from '../../src/transform/member-decoder.ts';
import type { Compression, Encoding, Encryption } from '../../src/transform/encoding.ts';
import { memberEncoder } from '../../src/transform/member-encoder.ts';
import { seededRandom } from '../support/random.ts';

export const keys = {
  AES128: Buffer.from('0123456789abcdef'),
  AES192: Buffer.from('0123456789abcdef01234567'),
  AES256: Buffer.from('0123456789abcdef0123456789abcdef'),
} as const;

export const compressions: readonly (Compression | undefined)[] = [
  undefined,
  { algorithm: 'zstd', level: 1 },
  { algorithm: 'lz4', blockBytes: 65536 },
];

export const encryptions: readonly (Encryption | undefined)[] = [
  undefined,
  ...Object.entries(keys).map(([algorithm, key]) => ({ algorithm, key, chunkBytes: 65536 })),
];

/** Each call gives a frame with this content. */
export function zstdFrames(level = 1): (content: Uint8Array) => Uint8Array {
  const encoding: Encoding = { compression: { algorithm: 'zstd', level }, digests: false };
  const encoder = memberEncoder(encoding, { packed: false });
  return (content) => encoder?.encode(content) ?? content;
}

/** Bytes that no compression makes less of. */
export function noise(length: number, seed = 1): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

/** Half of it noise, half of it the same over and over. */
export function mixed(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x61);
  bytes.set(noise(length >> 1, seed));
  return bytes;
}

/** All that the decoder makes of the bytes, given in pieces of this size. */
export function decodeAll(
  suffixes: readonly Suffix[],
  bytes: Uint8Array,
  { key, pieceBytes = bytes.length }: { key?: Uint8Array; pieceBytes?: number } = {},
): Buffer {
  const decoder = new MemberDecoder(suffixes, key);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const given = Buffer.from(bytes.subarray(at, at + pieceBytes));
    // A copy: a piece may be overwritten when the next is asked for.
    for (const piece of decoder.push(given)) pieces.push(Buffer.from(piece));
    // The memory is ours again.
    given.fill(0xdb);
  }
  decoder.end();
  return Buffer.concat(pieces);
}

/** What a program makes of its input. */
export function piped(program: string, args: readonly string[], input: Uint8Array): Buffer {
  return execFileSync(program, args, {
    input,
    maxBuffer: 2 ** 27,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
