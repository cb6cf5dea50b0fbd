import { layout, u16be, u32be, u64be } from '../layout.ts';

/**
 * The 38 bytes every InnoDB page begins with. Two tables, because MariaDB 10.4 moved the
 * checksum to the end of the page (`full_crc32`) and put the key version in its place.
 *
 * Bytes 0 to 25 are readable without keys on every page of either format; in the older
 * format all 38 are. Format: fil-header.md.
 */
const olderTable = {
  checksum: [u32be, 'page checksum, or 0xdeadbeef where there is none'],
  pageNumber: [u32be, 'page number inside the tablespace'],
  previousPage: [u32be, 'page number of the left neighbour, 0xffffffff for none'],
  nextPage: [u32be, 'page number of the right neighbour, 0xffffffff for none'],
  lsn: [u64be, 'LSN of the newest change to the page'],
  type: [u16be, 'page type, see the table of types'],
  keyVersion: [u32be, 'encryption key version, 0 for a plain page'],
  encryptedChecksum: [u32be, 'checksum of the encrypted page, 0 for a plain page'],
  spaceId: [u32be, 'tablespace id'],
} as const;

const fullCrc32Table = {
  keyVersion: [u32be, 'encryption key version, 0 for a plain page'],
  pageNumber: [u32be, 'page number inside the tablespace'],
  previousPage: [u32be, 'page number of the left neighbour, 0xffffffff for none'],
  nextPage: [u32be, 'page number of the right neighbour, 0xffffffff for none'],
  lsn: [u64be, 'LSN of the newest change to the page'],
  type: [u16be, 'page type, or with bit 15 set the length of a compressed page in 256 bytes'],
  splitSequence: [u64be, 'R-tree pages: split sequence number; compressed pages: their data'],
  spaceId: [u32be, 'tablespace id; unreadable when the page is encrypted or compressed'],
} as const;

/** The header of all formats before `full_crc32`, of ROW_FORMAT=COMPRESSED, and of MySQL. */
export const filHeader = layout('FIL header', olderTable);

/** The header of a page in a `full_crc32` tablespace. */
export const fullCrc32FilHeader = layout('FIL header (full_crc32)', fullCrc32Table);

/** What `previousPage` and `nextPage` hold when there is no neighbour. */
export const noPage = 0xffff_ffff;
