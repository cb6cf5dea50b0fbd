import { readU16be } from './big-endian.ts';
import { filHeader } from './fil-header.ts';
import { inflate } from './inflate.ts';
import { mysqlCompressedHeader } from './mysql-compressed-header.ts';
import type { PageFault } from './page-fault.ts';

const { type, version, algorithm, originalType, originalBytes, dataBytes, spaceId } =
  mysqlCompressedHeader.offset;
const dataStart = mysqlCompressedHeader.size;
const zlibCode = 1;
const lz4Code = 2;
const versionMax = 2;

type Check = (page: Uint8Array) => PageFault | undefined;

/**
 * The rules of an unencrypted page of a MySQL table with `COMPRESSION`. Nothing sums the
 * compressed bytes, so a zlib page is inflated and `checkInner` judges the page inside, whose
 * FIL header the outer one is. Of an lz4 page only the header is looked at: see `isUnproven`.
 */
export function checkMysqlCompressed(page: Uint8Array, checkInner: Check): PageFault | undefined {
  const fault = checkMysqlCompressedHeader(page);
  if (fault !== undefined || page[algorithm] !== zlibCode) return fault;
  const length = readU16be(page, dataBytes);
  const bytesWanted = page.length - dataStart;
  const inflated = inflate(page.subarray(dataStart, dataStart + length), bytesWanted);
  if (inflated?.data.length !== bytesWanted) {
    return { rule: 'compressed data', stored: inflated?.data.length ?? 0, computed: bytesWanted };
  }
  if (inflated.bytesUsed !== length) {
    return { rule: 'compressed length', stored: length, computed: inflated.bytesUsed };
  }
  const inner = new Uint8Array(page.length);
  inner.set(page.subarray(0, dataStart));
  inner.set(page.subarray(originalType, originalType + 2), type);
  inner.fill(0, filHeader.offset.keyVersion, spaceId);
  inner.set(inflated.data, dataStart);
  return checkInner(inner);
}

/** The fields of the header, which are in clear on an encrypted page too. */
export function checkMysqlCompressedHeader(page: Uint8Array): PageFault | undefined {
  const versionStored = page[version] ?? 0;
  if (versionStored === 0 || versionStored > versionMax) {
    return { rule: 'compressed version', stored: versionStored, computed: versionMax };
  }
  const code = page[algorithm] ?? 0;
  if (code !== zlibCode && code !== lz4Code) {
    return { rule: 'compressed algorithm', stored: code, computed: zlibCode };
  }
  const bytesMax = page.length - dataStart;
  const original = readU16be(page, originalBytes);
  if (original !== bytesMax) {
    return { rule: 'compressed original length', stored: original, computed: bytesMax };
  }
  const length = readU16be(page, dataBytes);
  if (length > 0 && length < bytesMax) return undefined;
  return { rule: 'compressed length', stored: length, computed: bytesMax };
}
