import { readU16be, readU32be } from './big-endian.ts';
import { pageCompressedAlgorithm } from './check-page-compressed.ts';
import { filHeader } from './fil-header.ts';
import { mysqlCompressedHeader } from './mysql-compressed-header.ts';
import { noChecksumMagic } from './no-checksum.ts';
import { pageCompressionAlgorithms } from './page-compression.ts';
import {
  mysqlCompressedEncryptedType,
  mysqlCompressedType,
  mysqlEncryptedRtreeType,
  mysqlEncryptedType,
  pageCompressedEncryptedType,
  pageCompressedType,
} from './page-type.ts';

const { checksum, type } = filHeader.offset;
const zlibCode = pageCompressionAlgorithms.indexOf('zlib');

/**
 * Whether the page check passes this page without a proof: half of it may be older than the
 * other half. Such are pages compressed by anything but zlib, all encrypted pages of MySQL,
 * and pages written without a checksum. Whoever reads one from a running server reads it
 * again and compares. The types tell the two servers apart. Never so in `full_crc32`.
 */
export function isUnproven(page: Uint8Array): boolean {
  switch (readU16be(page, type)) {
    case pageCompressedType:
      return pageCompressedAlgorithm(page) !== zlibCode;
    case mysqlCompressedType:
      return page[mysqlCompressedHeader.offset.algorithm] !== zlibCode;
    case pageCompressedEncryptedType:
      return false;
    case mysqlEncryptedType:
    case mysqlCompressedEncryptedType:
    case mysqlEncryptedRtreeType:
      return true;
    default:
      return readU32be(page, checksum) === noChecksumMagic;
  }
}
