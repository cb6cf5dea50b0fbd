// Where the workload's SQL for MySQL and for MariaDB differs.

import { type Flavour, flavourOf, type Product } from './programs.ts';

export interface Dialect {
  /** A table expression with the column `seq`, 1 to `count`; the database must be there. */
  readonly numbers: (count: number, database: string) => string;
  /** Statements that make a table whether or not there is one of that name. */
  readonly replaceTable: (name: string, definition: string) => string[];
  /** Table options. */
  readonly pageCompressed: string;
  readonly encrypted: string;
  /** The global status variable with the current LSN. */
  readonly lsnStatus: string;
  /** The system variable with the bytes of the whole redo log. */
  readonly redoCapacity: string;
  /** The statement that tells the binlog's newest file and position. */
  readonly binlogStatus: string;
}

export const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Something that looks random, 32 characters long; MySQL 9.6 has dropped MD5(). */
export const hash = (expression: string): string => `LEFT(SHA2(${expression}, 224), 32)`;

const dialects: Record<Flavour, Dialect> = {
  mariadb: {
    numbers: (count, database) => `${quote(database)}.seq_1_to_${count}`,
    replaceTable: (name, definition) => [`CREATE OR REPLACE TABLE ${name} ${definition}`],
    pageCompressed: 'PAGE_COMPRESSED=1',
    encrypted: 'ENCRYPTED=YES',
    lsnStatus: 'Innodb_lsn_current',
    redoCapacity: 'innodb_log_file_size',
    binlogStatus: 'SHOW MASTER STATUS',
  },
  mysql: {
    numbers: (count) =>
      `JSON_TABLE(CONCAT('[0', REPEAT(',0', ${count - 1}), ']'), '$[*]' ` +
      'COLUMNS (seq FOR ORDINALITY)) AS numbers',
    replaceTable: (name, definition) => [
      `DROP TABLE IF EXISTS ${name}`,
      `CREATE TABLE ${name} ${definition}`,
    ],
    pageCompressed: "COMPRESSION='zlib'",
    encrypted: "ENCRYPTION='Y'",
    lsnStatus: 'Innodb_redo_log_current_lsn',
    redoCapacity: 'innodb_redo_log_capacity',
    binlogStatus: 'SHOW BINARY LOG STATUS',
  },
};

export function dialectOf(server: { readonly product: Product }): Dialect {
  return dialects[flavourOf(server.product)];
}
