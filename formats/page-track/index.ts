/** The pages that a MySQL server wrote since an LSN, as its backup component lists them; described in page-track.md. */
export * from './decoder.ts';
export { noId, pageId } from './page-id.ts';
export * from './sparse-pages.ts';
