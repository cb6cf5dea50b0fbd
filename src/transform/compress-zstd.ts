import binding from 'zstd-napi/binding.js';

/** Compresses each piece into a frame of its own, with its size and a checksum of the content. */
export function zstdCompressor(level: number): (plain: Uint8Array) => Uint8Array {
  const context = new binding.CCtx();
  context.setParameter(binding.CParameter.compressionLevel, level);
  context.setParameter(binding.CParameter.checksumFlag, 1);
  let frame = new Uint8Array(0);
  return (plain) => {
    const bound = binding.compressBound(plain.length);
    if (frame.length < bound) frame = new Uint8Array(bound);
    return frame.subarray(0, context.compress2(frame, plain));
  };
}
