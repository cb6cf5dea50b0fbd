import { layout, raw, u32be, type Layout } from '../layout.ts';

// What the header page of a block is made of, see delta.md.

const blockTable = {
  magic: [raw(4), '`xtra`: more blocks follow; `XTRA`: this is the last one'],
} as const;

const entryTable = {
  pageNumber: [u32be, 'where the page belongs in the data file; 0xffffffff ends the list'],
} as const;

/** At the beginning of the header page. */
export const blockHeader: Layout<typeof blockTable> = layout('delta block', blockTable);

/** Behind it, one for each page of the block. */
export const pageEntry: Layout<typeof entryTable> = layout('delta page entry', entryTable);

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Every block but the last is full. */
export const moreMagic = ascii('xtra');
export const lastMagic = ascii('XTRA');

/** Ends the list of a block that is not full, so it is no page number. */
export const listEnd = 0xffff_ffff;

/** Pages that a full block has behind its header page. */
export function blockPagesMax(pageSize: number): number {
  return (pageSize - blockHeader.size) / pageEntry.size;
}
