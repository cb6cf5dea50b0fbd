import { crc32c } from '../crc.ts';

// Most mini-transactions have some 100 bytes: for those a call into native code (and the
// view it wants) costs more than eight table look-ups per eight bytes here.
const nativeFromBytes = 256;

const tables = makeTables();

/** CRC-32C of `bytes[from, to)`; `previous` continues a running CRC. No allocation when short. */
export function rangeCrc32c(bytes: Uint8Array, from: number, to: number, previous = 0): number {
  if (to - from >= nativeFromBytes) return crc32c(bytes.subarray(from, to), previous);
  const t = tables;
  let crc = ~previous;
  let at = from;
  for (const last = to - 8; at <= last; at += 8) {
    crc ^= u32le(bytes, at);
    const high = u32le(bytes, at + 4);
    crc =
      (t[1792 + (crc & 255)] as number) ^
      (t[1536 + ((crc >>> 8) & 255)] as number) ^
      (t[1280 + ((crc >>> 16) & 255)] as number) ^
      (t[1024 + (crc >>> 24)] as number) ^
      (t[768 + (high & 255)] as number) ^
      (t[512 + ((high >>> 8) & 255)] as number) ^
      (t[256 + ((high >>> 16) & 255)] as number) ^
      (t[high >>> 24] as number);
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 255] as number);
  return ~crc >>> 0;
}

function u32le(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** Eight tables of 256: table n steps a byte over n further zero bytes. */
function makeTables(): Int32Array {
  const out = new Int32Array(8 * 256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    out[i] = crc;
  }
  for (let i = 256; i < out.length; i++) {
    const before = out[i - 256] as number;
    out[i] = (before >>> 8) ^ (out[before & 255] as number);
  }
  return out;
}
