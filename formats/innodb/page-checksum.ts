import { crc32c } from '../crc.ts';
import { filHeader } from './fil-header.ts';
import { filTrailer } from './fil-trailer.ts';

/**
 * The checksums of the older format. Both leave out what is filled in after they are
 * computed: the checksum itself, and the key version and checksum of the encrypted page.
 */
const { pageNumber, lsn, type, keyVersion, spaceId } = filHeader.offset;

/** Checksum of a page of the older format (`innodb_checksum_algorithm=crc32`), as u32. */
export function crc32Checksum(page: Uint8Array): number {
  const head = crc32c(page.subarray(pageNumber, keyVersion));
  const body = crc32c(page.subarray(filHeader.size, page.length - filTrailer.size));
  return (head ^ body) >>> 0;
}

/** Checksum of a page of ROW_FORMAT=COMPRESSED, as u32; the LSN is not covered. */
export function zipChecksum(page: Uint8Array): number {
  const head = crc32c(page.subarray(pageNumber, lsn));
  const middle = crc32c(page.subarray(type, keyVersion));
  return (head ^ middle ^ crc32c(page.subarray(spaceId))) >>> 0;
}
