// The tables of the workload that all have the same columns: every row format and engine whose
// files a backup must carry.

import { type Dialect, quote } from './dialect.ts';
import { type LoadTable, tableTraits } from './load-table.ts';
import type { Flavour } from './programs.ts';

/** The database with all kinds of tables. */
export const mainDatabase = 'load_main';
/** A database whose name is not its folder's name. */
export const oddDatabase = 'load-odd ü';

export interface TableSpec {
  readonly table: string;
  readonly database?: string;
  readonly options: string;
  /** Columns and keys besides id, k, a and b. */
  readonly more?: string;
  readonly a?: string;
  readonly b?: string;
  readonly traits?: Partial<LoadTable>;
}

/** Tables of both products; `options` only name what both understand. */
const shared: TableSpec[] = [
  { table: 'r_dynamic', options: 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC' },
  { table: 'r_compact', options: 'ENGINE=InnoDB ROW_FORMAT=COMPACT' },
  { table: 'r_redundant', options: 'ENGINE=InnoDB ROW_FORMAT=REDUNDANT' },
  { table: 'r_zip4', options: 'ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4' },
  { table: 'r_zip8', options: 'ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8' },
  { table: 'part_hash', options: 'ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 4' },
  {
    table: 'part_range',
    options:
      'ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (500), ' +
      'PARTITION p1 VALUES LESS THAN (3000), PARTITION p2 VALUES LESS THAN MAXVALUE)',
  },
  { table: 'off_page', options: 'ENGINE=InnoDB', b: 'LONGBLOB', traits: { rowBytes: 30_000 } },
  {
    table: 'generated',
    options: 'ENGINE=InnoDB',
    more:
      'v INT AS (k * 2) VIRTUAL, s VARCHAR(40) AS (LEFT(a, 20)) STORED, KEY by_v (v), ' +
      'KEY by_s (s), KEY by_a (a(30)), UNIQUE KEY by_id_k (id, k)',
  },
  { table: 'noted', options: 'ENGINE=InnoDB' },
  { table: 'parents', options: 'ENGINE=InnoDB' },
  { table: 'naïve table', database: oddDatabase, options: 'ENGINE=InnoDB' },
  { table: 'myisam', options: 'ENGINE=MyISAM' },
  { table: 'myisam', database: oddDatabase, options: 'ENGINE=MyISAM CHECKSUM=1' },
];

const words = { table: 'full_text', b: 'TEXT', more: 'FULLTEXT KEY words (b)' };

export const tableSpecs: Record<Flavour, readonly TableSpec[]> = {
  mariadb: [
    ...shared,
    { table: 'page_compressed', options: 'ENGINE=InnoDB PAGE_COMPRESSED=1' },
    // MariaDB 10.11.19 aborts (fts0fts.cc, "result != FTS_INVALID") when one transaction with
    // a savepoint changes a row of such a table twice.
    { ...words, options: 'ENGINE=InnoDB', traits: { transactional: false } },
    { table: 'aria_trx', options: 'ENGINE=Aria TRANSACTIONAL=1' },
    { table: 'aria_plain', options: 'ENGINE=Aria TRANSACTIONAL=0' },
    { table: 'aria_dynamic', options: 'ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=DYNAMIC' },
  ],
  mysql: [
    ...shared,
    { table: 'page_compressed', options: "ENGINE=InnoDB COMPRESSION='zlib'" },
    { table: 'page_lz4', options: "ENGINE=InnoDB COMPRESSION='lz4'" },
    { ...words, options: 'ENGINE=InnoDB' },
    {
      // Rows must be short to fit twice into such a page.
      table: 'r_zip1',
      options: 'ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=1',
      a: 'VARCHAR(60) CHARACTER SET latin1',
    },
    { table: 'json', options: 'ENGINE=InnoDB', b: 'JSON', traits: { json: true } },
    {
      table: 'spatial',
      options: 'ENGINE=InnoDB',
      more: 'g POINT AS (POINT(k, k % 100)) STORED NOT NULL SRID 0, SPATIAL KEY by_place (g)',
    },
    { table: 'in_general', options: 'ENGINE=InnoDB TABLESPACE general_inside' },
    { table: 'in_system', options: 'ENGINE=InnoDB TABLESPACE innodb_system' },
  ],
};

export const encryptedSpecs: Record<Flavour, readonly TableSpec[]> = {
  mariadb: [
    { table: 'secret', options: 'ENGINE=InnoDB ENCRYPTED=YES' },
    { table: 'secret_pc', options: 'ENGINE=InnoDB ENCRYPTED=YES PAGE_COMPRESSED=1' },
  ],
  mysql: [
    { table: 'secret', options: "ENGINE=InnoDB ENCRYPTION='Y'" },
    { table: 'secret_pc', options: "ENGINE=InnoDB ENCRYPTION='Y' COMPRESSION='zlib'" },
    { table: 'secret_zip', options: "ENGINE=InnoDB ENCRYPTION='Y' ROW_FORMAT=COMPRESSED" },
    {
      table: 'secret_place',
      options: "ENGINE=InnoDB ENCRYPTION='Y'",
      more: 'g POINT AS (POINT(k, k % 100)) STORED NOT NULL SRID 0, SPATIAL KEY by_place (g)',
    },
    { table: 'in_secret', options: "ENGINE=InnoDB TABLESPACE general_secret ENCRYPTION='Y'" },
  ],
};

/** The table for the load, and the statement that makes it. */
export function define(spec: TableSpec, dialect: Dialect): { table: LoadTable; sql: string[] } {
  const database = spec.database ?? mainDatabase;
  const name = `${quote(database)}.${quote(spec.table)}`;
  const more = spec.more === undefined ? '' : `, ${spec.more}`;
  const columns =
    'id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, ' +
    `a ${spec.a ?? 'VARCHAR(300)'} NOT NULL, b ${spec.b ?? 'BLOB'}, KEY by_k (k)`;
  return {
    table: {
      ...tableTraits(dialect, mainDatabase),
      name,
      transactional: /ENGINE=InnoDB/u.test(spec.options),
      ...spec.traits,
    },
    sql: [`CREATE TABLE ${name} (${columns}${more}) ${spec.options}`],
  };
}
