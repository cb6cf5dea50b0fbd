import { FormatError } from '../format-error.ts';
import { dataView } from '../layout.ts';
import { readU32be } from './big-endian.ts';
import { filHeader } from './fil-header.ts';

const at = filHeader.offset.lsn;

/** The LSN of the newest change to a page of any format, encrypted ones included. */
export function pageLsn(page: Uint8Array): bigint {
  return dataView(page).getBigUint64(at);
}

/**
 * The same as a number, for the page loop: no bigint per page. Throws a FormatError when the
 * LSN is beyond what a number holds exactly (9 PB of redo: the page is damaged).
 */
export function pageLsnNumber(page: Uint8Array): number {
  const high = readU32be(page, at);
  if (high > 0x1f_ffff) {
    throw new FormatError(
      'invalid',
      'FIL header > lsn',
      at,
      `${pageLsn(page)} is beyond the safe integer range`,
    );
  }
  return high * 0x1_0000_0000 + readU32be(page, at + 4);
}
