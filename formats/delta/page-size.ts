import { FormatError } from '../format-error.ts';

/** Bytes of a page as it lies in the file: ROW_FORMAT=COMPRESSED goes down to 1 KiB. */
const pageSizeMin = 1024;
export const pageSizeMax = 64 * 1024;

/**
 * `offset` is where the size was read.
 * @throws FormatError invalid unless it is a power of two from 1 KiB to 64 KiB.
 */
export function checkPageSize(size: number, field: string, offset: number): void {
  const isPower = Number.isInteger(Math.log2(size));
  if (isPower && size >= pageSizeMin && size <= pageSizeMax) return;
  const message = `${size} is no power of two from ${pageSizeMin} to ${pageSizeMax}`;
  throw new FormatError('invalid', field, offset, message);
}
