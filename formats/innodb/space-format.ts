import type { PageCompression } from './page-compression.ts';

/** What the flags of a tablespace say about the shape of its pages. Format: space-flags.md. */
export interface SpaceFormat {
  /** Whose rules the pages follow. */
  readonly flavour: 'mariadb' | 'mysql';
  /** Checksum at the end of the page over everything before it (MariaDB 10.4 and later). */
  readonly fullCrc32: boolean;
  /** Bytes of a page in the buffer pool. */
  readonly pageSize: number;
  /** Bytes of a page in the file: smaller for ROW_FORMAT=COMPRESSED. */
  readonly physicalPageSize: number;
  /** ROW_FORMAT=COMPRESSED. */
  readonly zip: boolean;
  /**
   * `page_compressed=1` of MariaDB: the algorithm, or `true` in the older format, where each
   * page names its own. Pages written before the last ALTER TABLE may be otherwise: ask the
   * page. Undefined for MySQL, whose flags do not tell.
   */
  readonly pageCompressed: boolean | PageCompression | undefined;
  /**
   * `ENCRYPTION='Y'` of MySQL. Pages may be plain in an encrypted space and encrypted in a
   * plain one while the server changes it: ask the page. Undefined for MariaDB, whose flags
   * do not tell.
   */
  readonly encrypted: boolean | undefined;
}
