// A table that the load writes to, and the rows it gets.

import { type Dialect, hash } from './dialect.ts';

export interface LoadTable {
  /** Quoted, with its database: ready for a statement. */
  readonly name: string;
  /** Fit for a place in a longer transaction. */
  readonly transactional: boolean;
  /** ARCHIVE takes rows and never changes them. */
  readonly insertOnly: boolean;
  /** Has an indexed `id`; a change to one that has none reads the whole table. */
  readonly indexed: boolean;
  /** Bytes of one row's payload, about. */
  readonly rowBytes: number;
  /** Its `b` is a JSON document. */
  readonly json: boolean;
  /** A table expression with the column `seq`, 1 to `count`. */
  readonly numbers: (count: number) => string;
}

export const tableTraits = (dialect: Dialect, database: string): Omit<LoadTable, 'name'> => ({
  transactional: false,
  insertOnly: false,
  indexed: true,
  rowBytes: 900,
  json: false,
  numbers: (count) => dialect.numbers(count, database),
});

/** An SQL expression for a row's `b`; what is off-page stays off-page and hard to compress. */
export function payload(table: LoadTable, number: string, salt: number): string {
  if (table.json) {
    return `JSON_OBJECT('n', ${number}, 'text', ${text(table.rowBytes, number, salt)})`;
  }
  return text(table.rowBytes, number, salt);
}

const text = (bytes: number, number: string, salt: number): string => {
  if (bytes <= 10_000) {
    return `REPEAT(CONCAT(${hash(`${number} * 31 + ${salt}`)}, ' '), ${Math.ceil(bytes / 33)})`;
  }
  const blocks = Math.ceil(bytes / 128);
  return `REPEAT(SHA2(CONCAT(${number}, '/${salt}'), 512), ${blocks})`;
};

/** `count` rows in one statement; the same numbers give the same rows. */
export function insertRows(table: LoadTable, count: number, salt: number): string {
  return (
    `INSERT INTO ${table.name} (k, a, b) SELECT (seq * 7 + ${salt}) % 100000, ` +
    `CONCAT('row ', seq, ' ', ${hash(`seq + ${salt}`)}), ${payload(table, 'seq', salt)} ` +
    `FROM ${table.numbers(count)}`
  );
}
