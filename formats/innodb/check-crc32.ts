import { readU16be, readU32be } from './big-endian.ts';
import { checkPageCompressed } from './check-page-compressed.ts';
import { filHeader } from './fil-header.ts';
import { filTrailer } from './fil-trailer.ts';
import { noChecksumMagic } from './no-checksum.ts';
import { crc32Checksum } from './page-checksum.ts';
import type { PageFault } from './page-fault.ts';
import { pageCompressedEncryptedType, pageCompressedType, rtreeType } from './page-type.ts';

const { checksum, encryptedChecksum, keyVersion, lsn, type } = filHeader.offset;
const trailer = filTrailer;

/**
 * The rules of the older format (`innodb_checksum_algorithm=crc32`, all of MySQL) but for
 * the page number: plain, encrypted and `page_compressed` pages.
 */
export function checkCrc32(page: Uint8Array): PageFault | undefined {
  const pageType = readU16be(page, type);
  if (pageType === pageCompressedType) return checkPageCompressed(page, checkPlain);
  if (pageType === pageCompressedEncryptedType) return checkEncrypted(page);
  if (readU32be(page, keyVersion) === 0 || pageType === rtreeType) return checkPlain(page);
  const fault = checkEncrypted(page) ?? checkLsnTrailer(page);
  // Old servers left other things where the key version is now; such a page is plain.
  return fault !== undefined && checkPlain(page) === undefined ? undefined : fault;
}

function checkPlain(page: Uint8Array): PageFault | undefined {
  const first = readU32be(page, checksum);
  const second = readU32be(page, page.length - trailer.size + trailer.offset.checksum);
  if (first !== noChecksumMagic || second !== noChecksumMagic) {
    const computed = crc32Checksum(page);
    if (first !== computed) return { rule: 'checksum', stored: first, computed };
    if (second !== computed) return { rule: 'second checksum', stored: second, computed };
  }
  return checkLsnTrailer(page);
}

/** The two other checksums of an encrypted page are of its plain text: no use without keys. */
function checkEncrypted(page: Uint8Array): PageFault | undefined {
  const computed = crc32Checksum(page);
  const stored = readU32be(page, encryptedChecksum);
  return stored === computed ? undefined : { rule: 'encrypted checksum', stored, computed };
}

function checkLsnTrailer(page: Uint8Array): PageFault | undefined {
  const computed = readU32be(page, lsn + 4);
  const stored = readU32be(page, page.length - trailer.size + trailer.offset.lsnLow);
  return stored === computed ? undefined : { rule: 'lsn trailer', stored, computed };
}
