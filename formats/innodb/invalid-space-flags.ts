import { FormatError } from '../format-error.ts';

/** Where the flags stand in page 0. */
export const spaceFlagsOffset = 54;

/** The error for flags that no server writes. */
export function invalidSpaceFlags(flags: number, why: string): FormatError {
  const shown = `0x${(flags >>> 0).toString(16)}`;
  return new FormatError('invalid', 'FSP header > flags', spaceFlagsOffset, `${shown}: ${why}`);
}
