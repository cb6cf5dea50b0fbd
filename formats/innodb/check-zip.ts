import { readU32be } from './big-endian.ts';
import { filHeader } from './fil-header.ts';
import { noChecksumMagic } from './no-checksum.ts';
import { zipChecksum } from './page-checksum.ts';
import type { PageFault } from './page-fault.ts';

const { checksum, encryptedChecksum, keyVersion } = filHeader.offset;

/**
 * The rules of ROW_FORMAT=COMPRESSED but for the page number. Such a page has no trailer and
 * its checksum does not cover the LSN.
 */
export function checkZip(page: Uint8Array): PageFault | undefined {
  const stored = readU32be(page, checksum);
  const computed = zipChecksum(page);
  if (stored === computed || stored === noChecksumMagic) return undefined;
  if (readU32be(page, keyVersion) === 0) return { rule: 'checksum', stored, computed };
  const encrypted = readU32be(page, encryptedChecksum);
  if (encrypted === computed) return undefined;
  return { rule: 'encrypted checksum', stored: encrypted, computed };
}
