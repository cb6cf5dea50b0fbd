// The tables of the workload: every row format and engine whose files a backup must carry.

import type { TestServer } from './server.ts';

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
}

export interface SchemaOptions {
  /** Total payload of the rows at the beginning, spread over the tables; 8 by default. */
  readonly megabytes?: number;
  /** Adds ENCRYPTED=YES tables; the server needs a key management plugin. */
  readonly encrypted?: boolean;
}

/** The database with all kinds of tables. */
export const mainDatabase = 'load_main';
/** A database whose name is not its folder's name. */
export const oddDatabase = 'load-odd ü';
export const emptyDatabase = 'load_empty';

export const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

interface TableSpec {
  readonly table: string;
  readonly database?: string;
  readonly options: string;
  /** Columns and keys besides id, k, a and b. */
  readonly more?: string;
  readonly b?: string;
  readonly rowBytes?: number;
  readonly traits?: Partial<LoadTable>;
}

const innodb: TableSpec[] = [
  { table: 'r_dynamic', options: 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC' },
  { table: 'r_compact', options: 'ENGINE=InnoDB ROW_FORMAT=COMPACT' },
  { table: 'r_redundant', options: 'ENGINE=InnoDB ROW_FORMAT=REDUNDANT' },
  { table: 'r_zip4', options: 'ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4' },
  { table: 'r_zip8', options: 'ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8' },
  { table: 'page_compressed', options: 'ENGINE=InnoDB PAGE_COMPRESSED=1' },
  { table: 'part_hash', options: 'ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 4' },
  {
    table: 'part_range',
    options:
      'ENGINE=InnoDB PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (500), ' +
      'PARTITION p1 VALUES LESS THAN (3000), PARTITION p2 VALUES LESS THAN MAXVALUE)',
  },
  {
    table: 'full_text',
    options: 'ENGINE=InnoDB',
    b: 'TEXT',
    more: 'FULLTEXT KEY words (b)',
    // MariaDB 10.11.19 aborts (fts0fts.cc, "result != FTS_INVALID") when one transaction with
    // a savepoint changes a row of such a table twice.
    traits: { transactional: false },
  },
  { table: 'off_page', options: 'ENGINE=InnoDB', b: 'LONGBLOB', rowBytes: 30_000 },
  {
    table: 'generated',
    options: 'ENGINE=InnoDB',
    more:
      'v INT AS (k * 2) VIRTUAL, s VARCHAR(40) AS (LEFT(a, 20)) STORED, KEY by_v (v), ' +
      'KEY by_s (s), KEY by_a (a(30)), UNIQUE KEY by_id_k (id, k)',
  },
  { table: 'noted', options: 'ENGINE=InnoDB' },
  { table: 'naïve table', database: oddDatabase, options: 'ENGINE=InnoDB' },
];

const encrypted: TableSpec[] = [
  { table: 'secret', options: 'ENGINE=InnoDB ENCRYPTED=YES' },
  { table: 'secret_pc', options: 'ENGINE=InnoDB ENCRYPTED=YES PAGE_COMPRESSED=1' },
];

const others: TableSpec[] = [
  { table: 'aria_trx', options: 'ENGINE=Aria TRANSACTIONAL=1' },
  { table: 'aria_plain', options: 'ENGINE=Aria TRANSACTIONAL=0' },
  { table: 'aria_dynamic', options: 'ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=DYNAMIC' },
  { table: 'myisam', options: 'ENGINE=MyISAM' },
  { table: 'myisam', database: oddDatabase, options: 'ENGINE=MyISAM CHECKSUM=1' },
];

const define = (spec: TableSpec): { table: LoadTable; sql: string } => {
  const name = `${quote(spec.database ?? mainDatabase)}.${quote(spec.table)}`;
  const more = spec.more === undefined ? '' : `, ${spec.more}`;
  const columns =
    'id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, a VARCHAR(300) NOT NULL, ' +
    `b ${spec.b ?? 'BLOB'}, KEY by_k (k)`;
  return {
    table: {
      name,
      transactional: /ENGINE=InnoDB/u.test(spec.options),
      insertOnly: false,
      indexed: true,
      rowBytes: spec.rowBytes ?? 900,
      ...spec.traits,
    },
    sql: `CREATE TABLE ${name} (${columns}${more}) ${spec.options}`,
  };
};

const special = (table: string, columns: string, engine: string, traits: Partial<LoadTable>) => {
  const name = `${quote(mainDatabase)}.${quote(table)}`;
  const base = { name, transactional: false, insertOnly: false, indexed: false, rowBytes: 300 };
  return {
    table: { ...base, ...traits },
    sql: `CREATE TABLE ${name} (${columns}) ENGINE=${engine}`,
  };
};

const hasEngine = async (server: TestServer, engine: string): Promise<boolean> => {
  const sql = "SELECT 1 FROM information_schema.engines WHERE engine = ? AND support <> 'NO'";
  return (await server.query(sql, [engine])).length > 0;
};

/** An SQL expression for a row's `b`; what is off-page stays off-page and hard to compress. */
export function payload(table: LoadTable, number: string, salt: number): string {
  if (table.rowBytes <= 10_000) {
    return `REPEAT(CONCAT(MD5(${number} * 31 + ${salt}), ' '), ${Math.ceil(table.rowBytes / 33)})`;
  }
  const blocks = Math.ceil(table.rowBytes / 128);
  return `REPEAT(SHA2(CONCAT(${number}, '/${salt}'), 512), ${blocks})`;
}

/** `count` rows in one statement; the same numbers give the same rows. */
export function insertRows(table: LoadTable, count: number, salt: number): string {
  return (
    `INSERT INTO ${table.name} (k, a, b) SELECT (seq * 7 + ${salt}) % 100000, ` +
    `CONCAT('row ', seq, ' ', MD5(seq + ${salt})), ${payload(table, 'seq', salt)} ` +
    `FROM ${quote(mainDatabase)}.seq_1_to_${count}`
  );
}

/**
 * Creates the databases and tables with their first rows, a trigger, a view and an empty
 * database, and returns the tables that a load may write to.
 */
export async function createSchema(
  server: TestServer,
  options: SchemaOptions = {},
): Promise<LoadTable[]> {
  for (const database of [mainDatabase, oddDatabase, emptyDatabase]) {
    await server.query(`CREATE DATABASE ${quote(database)} CHARACTER SET utf8mb4`);
  }
  const specs = [...innodb, ...(options.encrypted === true ? encrypted : []), ...others];
  const flat = 'k INT NOT NULL, a VARCHAR(300) NOT NULL, b VARCHAR(1000) NOT NULL';
  const defined = [...specs.map(define), special('csv', flat, 'CSV', {})];
  if (await hasEngine(server, 'ARCHIVE')) {
    const columns = 'k INT NOT NULL, a VARCHAR(300) NOT NULL, b BLOB';
    defined.push(special('archive', columns, 'ARCHIVE', { insertOnly: true }));
  }
  const main = quote(mainDatabase);
  for (const { sql } of defined) await server.query(sql);
  await server.query(`CREATE TABLE ${main}.notes (id INT AUTO_INCREMENT PRIMARY KEY, of_id INT)`);
  await server.query(
    `CREATE TRIGGER ${main}.note AFTER INSERT ON ${main}.noted FOR EACH ROW ` +
      'INSERT INTO notes (of_id) VALUES (NEW.id)',
  );
  await server.query(
    `CREATE VIEW ${main}.joined AS SELECT d.id, c.a FROM ${main}.r_dynamic d ` +
      `JOIN ${main}.r_compact c USING (id)`,
  );
  const tables = defined.map(({ table }) => table);
  const bytesEach = ((options.megabytes ?? 8) * 1_000_000) / tables.length;
  for (const table of tables) {
    const share = table.indexed ? bytesEach : Math.min(bytesEach, 100_000);
    await server.query(insertRows(table, Math.max(1, Math.floor(share / table.rowBytes)), 1));
  }
  return tables;
}
