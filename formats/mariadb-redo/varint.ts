/** A value and the position behind it. */
export interface Varint {
  readonly value: number;
  readonly next: number;
}

/** Values begin where those of the shorter form end. */
const starts = [0, 0x80, 0x4080, 0x204080, 0x10204080] as const;

/**
 * Reads a variable-length number (page ids and lengths of redo records, see
 * mini-transaction.md) of 1 to 5 bytes. `undefined` when it is not whole before `end`,
 * begins like none, or does not fit 32 bits.
 */
export function readVarint(bytes: Uint8Array, at: number, end: number): Varint | undefined {
  const first = bytes[at];
  if (first === undefined || at >= end) return undefined;
  const extra = first < 0x80 ? 0 : first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first > 0xf0 || at + 1 + extra > Math.min(end, bytes.length)) return undefined;
  let value = first & (extra === 4 ? 0 : 0x7f >> extra);
  for (let i = 1; i <= extra; i++) value = value * 256 + (bytes[at + i] ?? 0);
  value += starts[extra];
  return value > 0xffffffff ? undefined : { value, next: at + 1 + extra };
}
