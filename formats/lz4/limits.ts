/** What a block of a frame may hold, compressed or not, by the code in the frame's header. */
export const blockCodes: Readonly<Record<number, number>> = {
  4: 64 * 1024,
  5: 256 * 1024,
  6: 1024 * 1024,
  7: 4 * 1024 * 1024,
};

/** Content per block that is written unless told otherwise: XtraBackup's --compress-chunk-size. */
export const lz4BlockBytesDefault = 64 * 1024;

/** Content that one block can hold at all. */
export const lz4BlockBytesMax = 4 * 1024 * 1024;

/** XtraBackup labels blocks of up to this size as 1 MiB; see frame.md. */
export const looseBlockBytes = 1204 * 1024;

/** How far back a match can reach: what a linked block needs of the content before it. */
export const windowBytes = 64 * 1024;

/** A byte of a compressed block stands for at most this many bytes of content. */
export const expansionMax = 255;

/** The size field before the data of a block, in bytes. */
export const sizeFieldBytes = 4;

/** Set in the size of a block whose data is the content itself. */
export const storedBit = 0x8000_0000;
