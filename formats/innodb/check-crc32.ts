import { readU16be, readU32be } from './big-endian.ts';
import { checkPageCompressed } from './check-page-compressed.ts';
import { checkLsnTrailer, checkPlain } from './check-plain.ts';
import { filHeader } from './fil-header.ts';
import { crc32Checksum } from './page-checksum.ts';
import type { PageFault } from './page-fault.ts';
import { pageCompressedEncryptedType, pageCompressedType, rtreeType } from './page-type.ts';

const { encryptedChecksum, keyVersion, type } = filHeader.offset;

/**
 * The rules of MariaDB's older format (`innodb_checksum_algorithm=crc32`) but for the page
 * number: plain, encrypted and `page_compressed` pages.
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

/** The two other checksums of an encrypted page are of its plain text: no use without keys. */
function checkEncrypted(page: Uint8Array): PageFault | undefined {
  const computed = crc32Checksum(page);
  const stored = readU32be(page, encryptedChecksum);
  return stored === computed ? undefined : { rule: 'encrypted checksum', stored, computed };
}
