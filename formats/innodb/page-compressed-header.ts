import { layout, raw, u16be, u32be, u64be } from '../layout.ts';

/**
 * The head of a page squeezed by `page_compressed=1` in the older format, unencrypted. The
 * compressed bytes are the whole original page, its FIL header included; behind them the
 * page is a hole. Format: page-compressed-header.md.
 */
const table = {
  magic: [u32be, '0xdeadbeef in the place of a checksum'],
  pageNumber: [u32be, 'page number inside the tablespace'],
  neighbours: [raw(8), 'previous and next page, as in the FIL header'],
  lsn: [u64be, 'LSN of the newest change to the page'],
  type: [u16be, '34354'],
  algorithm: [u64be, 'compression algorithm: 1 zlib, 2 lz4, 3 lzo, 4 lzma, 5 bzip2, 6 snappy'],
  spaceId: [u32be, 'tablespace id'],
  dataBytes: [u16be, 'length of the compressed bytes that follow'],
} as const;

export const pageCompressedHeader = layout('page_compressed header', table);
