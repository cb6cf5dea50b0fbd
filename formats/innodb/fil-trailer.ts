import { layout, u32be } from '../layout.ts';

/**
 * The last 8 bytes of a page. A page whose two copies of the LSN differ was torn. Pages of
 * ROW_FORMAT=COMPRESSED have no trailer; compressed and encrypted pages of `full_crc32`
 * have only the checksum. Format: fil-header.md.
 */
const olderTable = {
  checksum: [u32be, 'the checksum of the header again'],
  lsnLow: [u32be, 'low 32 bits of the LSN of the header'],
} as const;

const fullCrc32Table = {
  lsnLow: [u32be, 'low 32 bits of the LSN of the header'],
  checksum: [u32be, 'CRC-32C of everything before it'],
} as const;

export const filTrailer = layout('FIL trailer', olderTable);
export const fullCrc32FilTrailer = layout('FIL trailer (full_crc32)', fullCrc32Table);
