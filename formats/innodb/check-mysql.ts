import { readU16be, readU32be } from './big-endian.ts';
import { checkMysqlCompressed, checkMysqlCompressedHeader } from './check-mysql-compressed.ts';
import { checkPlain } from './check-plain.ts';
import { checkPlainZip } from './check-zip.ts';
import { filHeader } from './fil-header.ts';
import type { PageFault } from './page-fault.ts';
import {
  mysqlCompressedEncryptedType,
  mysqlCompressedType,
  mysqlEncryptedRtreeType,
  mysqlEncryptedType,
} from './page-type.ts';

const { pageNumber, spaceId, type } = filHeader.offset;

/**
 * The rules of MySQL but for the page number and the space id. The only checksum of an
 * encrypted page is of its plain text, and its trailer is cipher text, so nothing is left to
 * check without the key: see `isUnproven`.
 */
export function checkMysql(page: Uint8Array): PageFault | undefined {
  switch (readU16be(page, type)) {
    case mysqlCompressedType:
      return checkMysqlCompressed(page, checkPlain);
    case mysqlCompressedEncryptedType:
      return checkMysqlCompressedHeader(page);
    case mysqlEncryptedType:
    case mysqlEncryptedRtreeType:
      return undefined;
    default:
      return checkPlain(page);
  }
}

/** The same of ROW_FORMAT=COMPRESSED, which excludes `COMPRESSION`. */
export function checkMysqlZip(page: Uint8Array): PageFault | undefined {
  const pageType = readU16be(page, type);
  const encrypted = pageType === mysqlEncryptedType || pageType === mysqlEncryptedRtreeType;
  return encrypted ? undefined : checkPlainZip(page);
}

/** Whether the page says it is this page of this tablespace. */
export function checkMysqlPlace(
  page: Uint8Array,
  number: number,
  space: number,
): PageFault | undefined {
  const storedNumber = readU32be(page, pageNumber);
  // Servers before MySQL 4.1 left pages of the system tablespace without either number.
  if (space === 0 && storedNumber === 0) return undefined;
  if (storedNumber !== number) {
    return { rule: 'page number', stored: storedNumber, computed: number };
  }
  const storedSpace = readU32be(page, spaceId);
  if (space === 0 || storedSpace === space) return undefined;
  return { rule: 'space id', stored: storedSpace, computed: space };
}
