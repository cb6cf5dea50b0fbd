// Where a redo record ends. Its first byte holds the length, or 0 and then a varint follows.

/** The bytes that tell the length are not all there. */
export const lengthNotThere = -1;
/** The length is one that no record has. */
export const lengthImpossible = -2;

/**
 * The position behind the record at `at`, which may lie beyond `seen`; or one of the two
 * negative values. Looks at no byte from `seen` on; `at` itself must be below it.
 */
export function recordEnd(bytes: Uint8Array, at: number, seen: number): number {
  const low = (bytes[at] as number) & 15;
  if (low !== 0) return at + 1 + low;
  if (at + 1 >= seen) return lengthNotThere;
  const first = bytes[at + 1] as number;
  if (first < 0x80) return at + 16 + first;
  if (first < 0xc0) {
    if (at + 2 >= seen) return lengthNotThere;
    return at + 16 + 0x80 + (((first & 0x3f) << 8) | (bytes[at + 2] as number));
  }
  if (first >= 0xe0) return lengthImpossible;
  if (at + 3 >= seen) return lengthNotThere;
  const rest = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return at + 16 + 0x4080 + (((first & 0x1f) << 16) | rest);
}

/** The position behind the length, where the record's body starts. */
export function recordBody(bytes: Uint8Array, at: number): number {
  if (((bytes[at] as number) & 15) !== 0) return at + 1;
  const first = bytes[at + 1] as number;
  if (first < 0x80) return at + 2;
  return first < 0xc0 ? at + 3 : at + 4;
}
