import { compressSync } from './codec.ts';
import { dataView } from '../layout.ts';
import { sizeFieldBytes, storedBit } from './limits.ts';

/**
 * A block of content, size field and data, in pieces; a stored one shares
 * memory with `content`. Stored only when compression leaves `blockBytes` or
 * more: the reference tool asks for the size of a full block, so its short
 * blocks are "compressed" even when they grow, and so are ours.
 */
export function encodeBlock(content: Uint8Array, blockBytes: number): Uint8Array[] {
  const { buffer, byteOffset, byteLength } = content;
  // The codec puts the size of the content before the data, where we need that of the data.
  const coded = compressSync(Buffer.from(buffer, byteOffset, byteLength));
  const block = new Uint8Array(coded.buffer, coded.byteOffset, coded.length);
  const size = block.length - sizeFieldBytes;
  if (size >= blockBytes) return [encodeSizeField(content.length + storedBit), content];
  dataView(block).setUint32(0, size, true);
  return [block];
}

/** A u32 as it stands before a block and behind the content. */
export function encodeSizeField(value: number): Uint8Array {
  const bytes = new Uint8Array(sizeFieldBytes);
  dataView(bytes).setUint32(0, value, true);
  return bytes;
}
