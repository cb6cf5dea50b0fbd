const modulus = 65_521;

/** So many bytes can be summed up before the second sum leaves the range of int32. */
const runBytes = 3800;

/** Adler-32 as in zlib, started at 1. */
export function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + runBytes, bytes.length);
    for (; at < end; at += 1) {
      low += bytes[at] as number;
      high += low;
    }
    low %= modulus;
    high %= modulus;
  }
  return ((high << 16) | low) >>> 0;
}
