/** The reference reader refuses sizes above INT_MAX. */
export const sizeMax = 2 ** 31 - 1;

/** SHA-256 of the plaintext, inside the ciphertext of a version 3 chunk. */
export const hashBytes = 32;

/** Plaintext per chunk that the tools write unless told otherwise. */
export const chunkBytesDefault = 64 * 1024;

/** The smallest chunk the tools can be told to write. */
export const chunkBytesMin = 1024;

/** Plaintext that one chunk can hold at all. */
export const chunkBytesMax = sizeMax - hashBytes;

/**
 * Plaintext that a reader takes in one chunk unless told otherwise. A chunk is
 * checked as a whole, so this bounds the memory of a reader; writers use 64 KiB
 * to 10 MiB.
 */
export const acceptedChunkBytesDefault = 64 * 1024 * 1024;
