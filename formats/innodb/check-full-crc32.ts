import { crc32c } from '../crc.ts';
import { readU16be, readU32be } from './big-endian.ts';
import { fullCrc32FilHeader } from './fil-header.ts';
import { fullCrc32FilTrailer } from './fil-trailer.ts';
import type { PageFault } from './page-fault.ts';

const { keyVersion, lsn, type } = fullCrc32FilHeader.offset;
const trailer = fullCrc32FilTrailer;

/** Bit 15 of the type: the other bits are the length of a compressed page, in 256 bytes. */
const compressedMarker = 0x8000;
const compressedUnit = 256;
const checksumSize = 4;

/**
 * The rules of `full_crc32` but for the page number. The checksum covers the page as it is
 * in the file, so encrypted and compressed pages need neither key nor decompressor. What
 * lies behind a compressed page is a hole and is not looked at.
 */
export function checkFullCrc32(page: Uint8Array): PageFault | undefined {
  const pageType = readU16be(page, type);
  const compressed = pageType >= compressedMarker;
  const end = compressed ? (pageType - compressedMarker) * compressedUnit : page.length;
  if (compressed && (end === 0 || end >= page.length)) {
    return { rule: 'compressed length', stored: end, computed: page.length - compressedUnit };
  }
  const computed = crc32c(page.subarray(0, end - checksumSize));
  const stored = readU32be(page, end - checksumSize);
  if (stored !== computed) return { rule: 'checksum', stored, computed };
  if (compressed || readU32be(page, keyVersion) !== 0) return undefined;
  const lsnLow = readU32be(page, lsn + 4);
  const lsnCopy = readU32be(page, page.length - trailer.size + trailer.offset.lsnLow);
  if (lsnCopy === lsnLow) return undefined;
  return { rule: 'lsn trailer', stored: lsnCopy, computed: lsnLow };
}
