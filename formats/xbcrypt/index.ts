export {
  chunkHeader,
  chunkOverhead,
  encodeChunk,
  shortHeader,
  validateHeader,
  versionOf,
  type BrokenRule,
  type ChunkHeader,
  type ChunkVersion,
} from './chunk.ts';
export * from './decoder.ts';
export * from './encode-chunks.ts';
export * from './key.ts';
export * from './legacy-chunk.ts';
export * from './limits.ts';
export * from './wrong-key-error.ts';
