/** Page types of both servers by the number at offset 24, in the servers' words. */
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
  17854: 'R-tree',
  17855: 'B-tree',
};

/** Page types that only MariaDB has. */
export const mariadbPageTypes: Readonly<Record<number, string>> = {
  18: 'instant ALTER TABLE root',
  34354: 'page_compressed',
  37401: 'page_compressed and encrypted',
};

/** Page types that only MySQL has. */
export const mysqlPageTypes: Readonly<Record<number, string>> = {
  14: 'compressed',
  15: 'encrypted',
  16: 'compressed and encrypted',
  17: 'encrypted R-tree',
  18: 'blob of dictionary information',
  19: 'compressed blob of dictionary information',
  20: 'old doublewrite buffer',
  21: 'rollback segment array',
  22: 'LOB index',
  23: 'LOB data',
  24: 'LOB, first page',
  25: 'compressed LOB, first page',
  26: 'compressed LOB data',
  27: 'compressed LOB index',
  28: 'compressed LOB fragments',
  29: 'compressed LOB fragment entries',
  17853: 'dictionary information',
};

/** MariaDB's older format: a page squeezed by `page_compressed=1`. */
export const pageCompressedType = 34354;

/** MariaDB's older format: squeezed by `page_compressed=1`, then encrypted. */
export const pageCompressedEncryptedType = 37401;

/** MySQL: a page squeezed by `COMPRESSION='zlib'` or `'lz4'`. */
export const mysqlCompressedType = 14;

/** MySQL: an encrypted page of any type but the next two. */
export const mysqlEncryptedType = 15;

/** MySQL: squeezed by `COMPRESSION`, then encrypted. */
export const mysqlCompressedEncryptedType = 16;

/** MySQL: an encrypted page of a spatial index. */
export const mysqlEncryptedRtreeType = 17;

/** Pages of spatial indexes; they keep a counter where others keep a key version. */
export const rtreeType = 17854;

/** The name of a page type, or the number itself in words. */
export function describePageType(type: number, flavour: 'mariadb' | 'mysql'): string {
  const own = flavour === 'mysql' ? mysqlPageTypes : mariadbPageTypes;
  return pageTypes[type] ?? own[type] ?? `type ${type}`;
}
