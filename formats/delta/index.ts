/** The changed pages of a data file in an incremental backup; described in delta.md. */
export { blockHeader, blockPagesMax, pageEntry } from './block.ts';
export * from './decoder.ts';
export * from './encode-header.ts';
export * from './member-names.ts';
export * from './page-size.ts';
