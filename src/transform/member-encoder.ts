import { encodeLz4Frame } from '../../formats/lz4/index.ts';
import { chunkOverhead, encodeChunksInto } from '../../formats/xbcrypt/index.ts';
import { zstdCompressor } from './compress-zstd.ts';
import {
  type Compression,
  type Encoding,
  type Encryption,
  compressionSuffixes,
  encryptionSuffix,
} from './encoding.ts';

/** What members go through: each write becomes frames and chunks of its own. */
export interface MemberEncoder {
  /** Goes behind the member's path. */
  suffix: string;
  /** Not for empty pieces. */
  encode(plain: Uint8Array): Uint8Array;
  /** The same into `target`, which has room for `encodedBytesMax`; returns the bytes of it that it took. */
  encodeInto(plain: Uint8Array, target: Uint8Array): number;
  /** What an empty member is encoded to: some readers take no bytes at all for a cut. */
  encodeNothing(): Uint8Array;
}

/** Writes what it makes of `plain` into `target` and returns the length. */
type Step = (plain: Uint8Array, target: Uint8Array) => number;

/**
 * The encoder of any number of members, undefined when nothing is to be done to them. `packed`:
 * they are compressed or encrypted already and not worth another try.
 */
export function memberEncoder(
  encoding: Encoding,
  { packed }: { packed: boolean },
): MemberEncoder | undefined {
  const { encryption } = encoding;
  const compression = packed ? undefined : encoding.compression;
  const encodeInto = stepOf(compression, encryption);
  if (!encodeInto) return undefined;
  const encode = (plain: Uint8Array): Uint8Array => {
    const target = new Uint8Array(encodedBytesMax(encoding, plain.length));
    return target.subarray(0, encodeInto(plain, target));
  };
  return {
    suffix:
      (compression ? compressionSuffixes[compression.algorithm] : '') +
      (encryption ? encryptionSuffix : ''),
    encode,
    encodeInto,
    encodeNothing: () => (compression ? encode(new Uint8Array(0)) : new Uint8Array(0)),
  };
}

/** What `plainBytes` may become: what does not get smaller gets a little longer. */
export function encodedBytesMax({ compression, encryption }: Encoding, plainBytes: number): number {
  const compressed = plainBytes + (compression ? compressionOverhead(compression, plainBytes) : 0);
  if (!encryption) return compressed;
  return compressed + Math.ceil(compressed / encryption.chunkBytes) * chunkOverhead;
}

/** What does not get smaller grows by this: a 255th in lz4, a little with each frame and block. */
function compressionOverhead(compression: Compression, plainBytes: number): number {
  const blocks =
    compression.algorithm === 'lz4' ? Math.ceil(plainBytes / compression.blockBytes) : 1;
  return Math.ceil(plainBytes / 255) + blocks * 24 + 1024;
}

/** One step or two, by way of memory that is used again and again. */
function stepOf(
  compression: Compression | undefined,
  encryption: Encryption | undefined,
): Step | undefined {
  const compress = compression && compressor(compression);
  const encrypt = encryption && encryptor(encryption);
  if (!compress || !encrypt) return compress ?? encrypt;
  let between = new Uint8Array(0);
  return (plain, target) => {
    const room = encodedBytesMax({ compression, digests: false }, plain.length);
    if (between.length < room) between = new Uint8Array(room);
    return encrypt(between.subarray(0, compress(plain, between)), target);
  };
}

function compressor(compression: Compression): Step {
  if (compression.algorithm === 'zstd') return zstdCompressor(compression.level);
  const { blockBytes } = compression;
  return (plain, target) => laidOut(encodeLz4Frame(plain, blockBytes), target);
}

function encryptor({ key, chunkBytes }: Encryption): Step {
  return (plain, target) => encodeChunksInto(plain, key, chunkBytes, target);
}

/** Puts pieces one behind the other; returns their length. */
function laidOut(pieces: Iterable<Uint8Array>, target: Uint8Array): number {
  let length = 0;
  for (const piece of pieces) {
    target.set(piece, length);
    length += piece.length;
  }
  return length;
}
