import xxhash from 'xxhash-wasm';

const codec = await xxhash();

/** XXH32 with seed 0, a u32. */
export function xxh32(bytes: Uint8Array): number {
  return codec.h32Raw(bytes);
}

/** XXH32 of bytes that come in pieces. */
export interface RunningXxh32 {
  update(bytes: Uint8Array): unknown;
  digest(): number;
}

export function runningXxh32(): RunningXxh32 {
  return codec.create32();
}
