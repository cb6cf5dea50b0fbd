/** Reading of `.qp` files; described in qpress.md. */
export * from './adler32.ts';
export { archiveHeader, blockHeader, entryTags, fileHeader, trailer } from './container.ts';
export * from './decoder.ts';
export * from './limits.ts';
export * from './packet-header.ts';
export * from './quicklz.ts';
