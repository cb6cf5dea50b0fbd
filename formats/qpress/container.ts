import { layout, raw, u32le, u64le, u8, type Layout } from '../layout.ts';

// What a `.qp` file is made of, see qpress.md.

const archiveTable = {
  magic: [raw(8), '`qpress10`'],
  chunkSize: [u64le, 'most bytes that a block unpacks to'],
} as const;

const fileTable = {
  tag: [u8, '`F`, a file'],
  nameLength: [u32le, 'bytes of the name, its NUL not counted'],
} as const;

const blockTable = {
  tag: [raw(8), '`NEWBNEWB`'],
  position: [u64le, 'of the block in the unpacked file; not looked at'],
  checksum: [u32le, 'Adler-32 of the QuickLZ packet that follows, its header included'],
} as const;

const trailerTable = {
  tag: [raw(8), '`ENDSENDS`'],
  recovery: [u64le, 'written 0, not looked at'],
} as const;

/** Once, at the beginning. */
export const archiveHeader: Layout<typeof archiveTable> = layout('qpress archive', archiveTable);

/** The name and a NUL follow, then blocks. */
export const fileHeader: Layout<typeof fileTable> = layout('qpress file', fileTable);

/** A QuickLZ packet follows. */
export const blockHeader: Layout<typeof blockTable> = layout('qpress block', blockTable);

/** Behind the last block. */
export const trailer: Layout<typeof trailerTable> = layout('qpress trailer', trailerTable);

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

export const archiveMagic = ascii('qpress10');
export const blockTag = ascii('NEWBNEWB');
export const trailerTag = ascii('ENDSENDS');

/** The tags of entries that a qpress archive can have. */
export const entryTags = { file: 0x46, directory: 0x44, up: 0x55 } as const;

/** True when bytes, however few, can be the beginning of a magic or tag. */
export function beginsTag(bytes: Uint8Array, tag: Uint8Array): boolean {
  const head = bytes.subarray(0, tag.length);
  return head.every((byte, index) => byte === tag[index]);
}
