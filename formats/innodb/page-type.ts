/** Page types by the number at offset 24, in the server's words. Unknown ones stay numbers. */
export const pageTypes: Readonly<Record<number, string>> = {
  0: 'allocated',
  2: 'undo log',
  3: 'inode',
  4: 'change buffer free list',
  5: 'change buffer bitmap',
  6: 'system',
  7: 'transaction system',
  8: 'file space header',
  9: 'extent descriptor',
  10: 'blob',
  11: 'compressed blob, first page',
  12: 'compressed blob, later page',
  13: 'unknown',
  18: 'instant ALTER TABLE root',
  17854: 'R-tree',
  17855: 'B-tree',
  34354: 'page_compressed',
  37401: 'page_compressed and encrypted',
};

/** Older format: a page squeezed by `page_compressed=1`. */
export const pageCompressedType = 34354;

/** Older format: squeezed by `page_compressed=1`, then encrypted. */
export const pageCompressedEncryptedType = 37401;

/** Pages of spatial indexes; the older format keeps a counter where others keep a key version. */
export const rtreeType = 17854;

/** The name of a page type, or the number itself in words. */
export function describePageType(type: number): string {
  return pageTypes[type] ?? `type ${type}`;
}
