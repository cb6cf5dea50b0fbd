import { readU16be, readU32be } from './big-endian.ts';
import { inflate } from './inflate.ts';
import { noChecksumMagic } from './no-checksum.ts';
import { pageCompressedHeader } from './page-compressed-header.ts';
import { pageCompressionAlgorithms } from './page-compression.ts';
import type { PageFault } from './page-fault.ts';

const { magic, pageNumber, lsn, algorithm, dataBytes } = pageCompressedHeader.offset;
const dataStart = pageCompressedHeader.size;
const zlibCode = pageCompressionAlgorithms.indexOf('zlib');

type Check = (page: Uint8Array) => PageFault | undefined;

/**
 * The rules of an unencrypted `page_compressed` page of MariaDB's older format. Nothing sums the
 * compressed bytes, so a zlib page is inflated and `checkInner` judges the page inside. For
 * other algorithms only the magic and the length are looked at: see `isUnproven`.
 */
export function checkPageCompressed(page: Uint8Array, checkInner: Check): PageFault | undefined {
  const stored = readU32be(page, magic);
  if (stored !== noChecksumMagic) {
    return { rule: 'compressed magic', stored, computed: noChecksumMagic };
  }
  const length = readU16be(page, dataBytes);
  const lengthMax = page.length - dataStart;
  if (length === 0 || length > lengthMax) {
    return { rule: 'compressed length', stored: length, computed: lengthMax };
  }
  const code = pageCompressedAlgorithm(page);
  if (code === 0 || code >= pageCompressionAlgorithms.length) {
    return { rule: 'compressed algorithm', stored: code, computed: zlibCode };
  }
  if (code !== zlibCode) return undefined;
  const inner = inflate(page.subarray(dataStart, dataStart + length), page.length)?.data;
  if (inner?.length !== page.length) {
    return { rule: 'compressed data', stored: inner?.length ?? 0, computed: page.length };
  }
  return checkInner(inner) ?? compareHeaders(page, inner);
}

/** The u64 of the header; one too large for a u32 is as unknown as 0xffffffff. */
export function pageCompressedAlgorithm(page: Uint8Array): number {
  return readU32be(page, algorithm) === 0 ? readU32be(page, algorithm + 4) : 0xffff_ffff;
}

/** The outer header repeats the inner one; where they differ the page was torn. */
function compareHeaders(page: Uint8Array, inner: Uint8Array): PageFault | undefined {
  for (const at of [pageNumber, lsn, lsn + 4]) {
    const stored = readU32be(page, at);
    const computed = readU32be(inner, at);
    if (stored !== computed) return { rule: 'compressed page', stored, computed };
  }
  return undefined;
}
