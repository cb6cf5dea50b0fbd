import binding from 'zstd-napi/binding.js';

/**
 * Compresses each piece into a frame of its own, with its size and a checksum of the content.
 * `target` must have room for `compressBound`; returns the length of the frame.
 */
export function zstdCompressor(level: number): (plain: Uint8Array, target: Uint8Array) => number {
  const context = new binding.CCtx();
  context.setParameter(binding.CParameter.compressionLevel, level);
  context.setParameter(binding.CParameter.checksumFlag, 1);
  return (plain, target) => context.compress2(target, plain);
}
