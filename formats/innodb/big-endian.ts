/**
 * Single numbers out of a page without a DataView: the page loop runs once per page of a
 * whole server, and an object per page is what it would notice. Offsets are trusted.
 */
export function readU16be(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

/** See `readU16be`. */
export function readU32be(bytes: Uint8Array, offset: number): number {
  return readU16be(bytes, offset) * 0x1_0000 + readU16be(bytes, offset + 2);
}
