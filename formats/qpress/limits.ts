/** Uncompressed bytes of a block that the tools write unless told otherwise. */
export const chunkBytesDefault = 64 * 1024;

/**
 * Chunk size that a reader takes unless told otherwise. A block is unpacked as a whole, so this
 * bounds the memory of a reader. Writers use 64 KiB; more than their 10 MiB read buffer does
 * nothing for them.
 */
export const acceptedChunkBytesDefault = 64 * 1024 * 1024;

/** Longer than any path an operating system takes; what the tools write is a base name. */
export const nameBytesMax = 4096;

/** A match makes at most 255 bytes of the three that it takes, and nothing makes more. */
const expansionMax = 85;

/** A control word has 31 bits beside its sentinel, one for each literal or match. */
const itemsPerWord = 31;
const wordBytes = 4;

/** The fewest bytes that a compressed body of `size` bytes of content can have. */
export function bodyBytesMin(size: number): number {
  return Math.ceil(size / expansionMax);
}

/**
 * The most: all of them literals, their control words, and one word that was begun and not used.
 * Short bodies are padded to 9 bytes, which is what this gives for one byte.
 */
export function bodyBytesMax(size: number): number {
  const words = Math.ceil(size / itemsPerWord) + 1;
  return size + words * wordBytes;
}
