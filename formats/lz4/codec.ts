import { createRequire } from 'node:module';
import type * as Codec from 'lz4-napi';

/** Not by import, for the reason given in `../crc.ts`. */
export const { compressSync, uncompressSync } = createRequire(import.meta.url)(
  'lz4-napi',
) as typeof Codec;
