import { readU32be } from './big-endian.ts';
import { filHeader } from './fil-header.ts';
import { legacyZipChecksum } from './legacy-checksum.ts';
import { noChecksumMagic } from './no-checksum.ts';
import { zipChecksum } from './page-checksum.ts';
import type { PageFault } from './page-fault.ts';

const { checksum, encryptedChecksum, keyVersion } = filHeader.offset;

/**
 * The rules of ROW_FORMAT=COMPRESSED in MariaDB but for the page number. Such a page has no
 * trailer and its checksum does not cover the LSN.
 */
export function checkZip(page: Uint8Array): PageFault | undefined {
  const fault = checkPlainZip(page);
  if (fault === undefined || readU32be(page, keyVersion) === 0) return fault;
  const stored = readU32be(page, encryptedChecksum);
  const { computed } = fault;
  return stored === computed ? undefined : { rule: 'encrypted checksum', stored, computed };
}

/** The same of MySQL, and of a page that is not encrypted. Any of the three checksums will do. */
export function checkPlainZip(page: Uint8Array): PageFault | undefined {
  const stored = readU32be(page, checksum);
  if (stored === noChecksumMagic) return undefined;
  const computed = zipChecksum(page);
  if (stored === computed) return undefined;
  // A page of zeros adds up to 0, which says nothing about the bytes that are not covered.
  if (stored !== 0 && stored === legacyZipChecksum(page)) return undefined;
  return { rule: 'checksum', stored, computed };
}
