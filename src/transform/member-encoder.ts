import { encodeLz4Frame } from '../../formats/lz4/index.ts';
import { chunkOverhead, encodeChunks } from '../../formats/xbcrypt/index.ts';
import { zstdCompressor } from './compress-zstd.ts';
import {
  type Compression,
  type Encoding,
  compressionSuffixes,
  encryptionSuffix,
} from './encoding.ts';

/** What one member goes through: each write becomes frames and chunks of its own. */
export interface MemberEncoder {
  /** Goes behind the member's path. */
  suffix: string;
  /** The result may be overwritten by the next call. Not for empty pieces. */
  encode(plain: Uint8Array): Uint8Array;
  /** What an empty member is encoded to: some readers take no bytes at all for a cut. */
  encodeNothing(): Uint8Array;
}

/**
 * The encoder of one member, undefined when nothing is to be done to it. `packed`: it is
 * compressed or encrypted already and not worth another try.
 */
export function memberEncoder(
  { compression, encryption }: Encoding,
  { packed }: { packed: boolean },
): MemberEncoder | undefined {
  const compress = compression && !packed ? compressor(compression) : undefined;
  if (!compress && !encryption) return undefined;
  const encrypt = (bytes: Uint8Array): Uint8Array =>
    encryption ? joined(encodeChunks(bytes, encryption.key, encryption.chunkBytes)) : bytes;
  return {
    suffix:
      (compression && compress ? compressionSuffixes[compression.algorithm] : '') +
      (encryption ? encryptionSuffix : ''),
    encode: (plain) => encrypt(compress ? compress(plain) : plain),
    encodeNothing: () => (compress ? encrypt(compress(new Uint8Array(0))) : new Uint8Array(0)),
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
  const blockBytes = compression.algorithm === 'lz4' ? compression.blockBytes : plainBytes;
  return Math.ceil(plainBytes / 255) + Math.ceil(plainBytes / blockBytes) * 24 + 1024;
}

function compressor(compression: Compression): (plain: Uint8Array) => Uint8Array {
  if (compression.algorithm === 'zstd') return zstdCompressor(compression.level);
  const { blockBytes } = compression;
  return (plain) => joined(encodeLz4Frame(plain, blockBytes));
}

function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  const all = [...pieces];
  return all.length === 1 ? (all[0] as Uint8Array) : Buffer.concat(all);
}
