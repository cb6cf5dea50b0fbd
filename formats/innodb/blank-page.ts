import { readU32be } from './big-endian.ts';
import { filHeader } from './fil-header.ts';

const zeros = new Uint8Array(65536);
const { lsn, keyVersion, spaceId } = filHeader.offset;

/**
 * Whether a page was allocated in the file but never written: all zero. The 8 bytes before
 * the space id do not count in the older format, where old servers kept other things there.
 */
export function isBlankPage(page: Uint8Array, fullCrc32: boolean): boolean {
  if (readU32be(page, lsn + 4) !== 0) return false;
  if (fullCrc32) return isZero(page);
  return isZero(page.subarray(0, keyVersion)) && isZero(page.subarray(spaceId));
}

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
}
