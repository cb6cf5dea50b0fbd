import { layout, raw, u16be, u32be, u64be, u8 } from '../layout.ts';

/**
 * The head of a page of a MySQL table with `COMPRESSION`: the FIL header of the page inside,
 * but for the type and the eight bytes behind it. The compressed bytes that follow are the rest
 * of the page; behind them the page is a hole. Format: page-compressed-header.md.
 */
const table = {
  checksum: [u32be, 'checksum of the page inside'],
  pageNumber: [u32be, 'page number inside the tablespace'],
  neighbours: [raw(8), 'previous and next page, as in the FIL header'],
  lsn: [u64be, 'LSN of the newest change to the page'],
  type: [u16be, '14, or 16 when the page is encrypted as well'],
  version: [u8, 'version of this header: 1 or 2'],
  algorithm: [u8, 'compression algorithm: 1 zlib, 2 lz4'],
  originalType: [u16be, 'type of the page inside'],
  originalBytes: [u16be, 'page size less the 38 bytes of this header'],
  dataBytes: [u16be, 'length of the compressed bytes that follow'],
  spaceId: [u32be, 'tablespace id'],
} as const;

export const mysqlCompressedHeader = layout('MySQL compressed page header', table);
