import { filHeader } from './fil-header.ts';
import { filTrailer } from './fil-trailer.ts';

/**
 * The checksums of `innodb_checksum_algorithm=innodb`: the default before MariaDB 10.2 and
 * MySQL 5.7, a choice in MySQL ever since. Pages not written again since still carry them.
 * Formulas: page-check.md.
 */
const { pageNumber, lsn, type, keyVersion, spaceId } = filHeader.offset;

const maskBefore = 1_653_893_711;
const maskAfter = 1_463_735_687;
const adlerPrime = 65521;

/** The checksum in the FIL header, as u32. */
export function legacyChecksum(page: Uint8Array): number {
  const head = fold(page, pageNumber, keyVersion);
  const body = fold(page, filHeader.size, page.length - filTrailer.size);
  return (head + body) >>> 0;
}

/** The checksum in the trailer, as u32. It covers the head only, the other checksum included. */
export function legacyTrailerChecksum(page: Uint8Array): number {
  return fold(page, 0, keyVersion) >>> 0;
}

/** The checksum of a page of ROW_FORMAT=COMPRESSED, as u32. */
export function legacyZipChecksum(page: Uint8Array): number {
  let low = 0;
  let high = 0;
  for (const [start, end] of [
    [pageNumber, lsn],
    [type, keyVersion],
    [spaceId, page.length],
  ] as const) {
    // Sums over 64 KiB stay exact in a number, so the remainders can wait for the end.
    for (let at = start; at < end; at += 1) {
      low += page[at] ?? 0;
      high += low;
    }
  }
  return (high % adlerPrime) * 0x1_0000 + (low % adlerPrime);
}

/** A hash of bytes, modulo 2^32, as i32. */
function fold(page: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at += 1) {
    const byte = page[at] ?? 0;
    hash = ((((((hash ^ byte ^ maskBefore) << 8) + hash) | 0) ^ maskAfter) + byte) | 0;
  }
  return hash;
}
