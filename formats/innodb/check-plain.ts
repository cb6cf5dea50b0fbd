import { readU32be } from './big-endian.ts';
import { filHeader } from './fil-header.ts';
import { filTrailer } from './fil-trailer.ts';
import { legacyChecksum, legacyTrailerChecksum } from './legacy-checksum.ts';
import { noChecksumMagic } from './no-checksum.ts';
import { crc32Checksum } from './page-checksum.ts';
import type { PageFault } from './page-fault.ts';

const { checksum, lsn } = filHeader.offset;
const trailer = filTrailer;

/**
 * The rules of a page of the older format that is neither encrypted nor compressed, but for
 * the page number: they are the same in MySQL and MariaDB. Which checksum a page has depends
 * on the setting when it was last written, so any of the three will do.
 */
export function checkPlain(page: Uint8Array): PageFault | undefined {
  return checkChecksums(page) ?? checkLsnTrailer(page);
}

function checkChecksums(page: Uint8Array): PageFault | undefined {
  const first = readU32be(page, checksum);
  const second = readU32be(page, page.length - trailer.size + trailer.offset.checksum);
  if (first === noChecksumMagic && second === noChecksumMagic) return undefined;
  const crc = crc32Checksum(page);
  if (first !== crc && first !== legacyChecksum(page)) {
    return { rule: 'checksum', stored: first, computed: crc };
  }
  const computed = first === crc ? crc : legacyTrailerChecksum(page);
  return second === computed ? undefined : { rule: 'second checksum', stored: second, computed };
}

/** Whether the two copies of the LSN are equal, which they are not in most torn pages. */
export function checkLsnTrailer(page: Uint8Array): PageFault | undefined {
  const computed = readU32be(page, lsn + 4);
  const stored = readU32be(page, page.length - trailer.size + trailer.offset.lsnLow);
  return stored === computed ? undefined : { rule: 'lsn trailer', stored, computed };
}
