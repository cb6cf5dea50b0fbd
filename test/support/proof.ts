// What makes a restored server equal to its source: no damaged table, and the same rows and
// definitions once the source's binlog from the backup's position on has been replayed.

import assert from 'node:assert/strict';

import { quote } from './dialect.ts';
import { type Flavour, flavourOf } from './programs.ts';
import type { TestServer } from './server.ts';

export { type BinlogPosition, readBinlogInfo, replayBinlog } from './replay-binlog.ts';

const notOurs = ['information_schema', 'performance_schema', 'sys'];

// Tables that a server writes to on its own, so that two equal servers differ in them.
const volatileEverywhere = [
  'mysql.general_log',
  'mysql.slow_log',
  'mysql.innodb_index_stats',
  'mysql.innodb_table_stats',
];
const volatile: Record<Flavour, ReadonlySet<string>> = {
  mariadb: new Set([
    ...volatileEverywhere,
    'mysql.table_stats',
    'mysql.column_stats',
    'mysql.index_stats',
    'mysql.gtid_slave_pos',
    'mysql.transaction_registry',
    'mysql.event',
  ]),
  // The same set of transactions in rows that are merged when the server sees fit.
  mysql: new Set([...volatileEverywhere, 'mysql.gtid_executed']),
};

interface Table {
  readonly database: string;
  readonly table: string;
  readonly type: string;
  readonly engine: string | null;
}

const listTables = async (server: TestServer): Promise<Table[]> => {
  const rows = await server.query<Record<'d' | 't' | 'k', string> & { e: string | null }>(
    'SELECT table_schema AS d, table_name AS t, table_type AS k, engine AS e ' +
      'FROM information_schema.tables WHERE table_schema NOT IN (?) ORDER BY d, t',
    [notOurs],
  );
  return rows.map(({ d, t, k, e }) => ({ database: d, table: t, type: k, engine: e }));
};

const nameOf = ({ database, table }: Table): string => `${database}.${table}`;
const quoted = (tables: Table[]): string =>
  tables.map(({ database, table }) => `${quote(database)}.${quote(table)}`).join(', ');

const isHarmless = (type: string, message: string): boolean => {
  if (type === 'status') return message === 'OK' || message.endsWith('up to date');
  if (type === 'note') return message.includes("doesn't support check");
  // A MyISAM table copied while a session had it open keeps its count of users. Nothing is
  // wrong as long as the status is OK, which has a row of its own.
  if (type !== 'warning') return false;
  return /using or hasn't closed the table properly/u.test(message) || deletedAnyway.test(message);
};

// Rows that are deleted already and that purge passed over, seen on sources under such a load as
// well (most of all in the index of a virtual column); the status of the table is OK all the same.
const deletedAnyway =
  /^InnoDB: (Unpurged clustered index record|Clustered index record not found).*info_bits=32,/su;

/**
 * CHECK TABLE ... EXTENDED of every table but those of the information and performance schemas.
 * Returns what is wrong, one line for each fault; empty when all is well.
 */
export async function checkTables(server: TestServer): Promise<string[]> {
  const tables = (await listTables(server)).filter(({ type }) => type !== 'VIEW');
  const rows = await server.query<Record<'Table' | 'Msg_type' | 'Msg_text', string>>(
    `CHECK TABLE ${quoted(tables)} EXTENDED`,
  );
  const faults = rows
    .filter((row) => !isHarmless(row.Msg_type.toLowerCase(), row.Msg_text))
    .map(({ Table, Msg_type, Msg_text }) => `${Table}: ${Msg_type}: ${Msg_text}`);
  const checked = new Set(rows.map(({ Table }) => Table));
  const unseen = tables.map(nameOf).filter((name) => !checked.has(name));
  return [...faults, ...unseen.map((name) => `${name}: not checked`)];
}

/**
 * A checksum by SELECT. CHECKSUM TABLE of MySQL 9.7 reads only as many rows of an ARCHIVE table as
 * the handler at hand happens to know of: none at all after a start.
 */
const rowSums = async (server: TestServer, tables: Table[]): Promise<Map<string, string>> => {
  const sums = new Map<string, string>();
  for (const table of tables) {
    const columns = await server.query<{ n: string }>(
      'SELECT column_name AS n FROM information_schema.columns ' +
        'WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position',
      [table.database, table.table],
    );
    const whole = `CONCAT_WS('|', ${columns.map(({ n }) => quote(n)).join(', ')})`;
    const sql = `SELECT COUNT(*) AS n, SUM(CRC32(${whole})) AS s FROM ${quoted([table])}`;
    const [row] = await server.query<Record<'n' | 's', unknown>>(sql).catch(() => []);
    const sum = row === undefined ? 'unreadable' : `${String(row.n)} rows, ${String(row.s)}`;
    sums.set(nameOf(table), sum);
  }
  return sums;
};

/**
 * CHECKSUM TABLE ... EXTENDED of every base table that a server does not change on its own,
 * by "database.table". A table that cannot be read has the checksum "unreadable".
 */
export async function checksums(server: TestServer): Promise<Map<string, string>> {
  const flavour = flavourOf(server.product);
  const tables = (await listTables(server)).filter(
    (table) => table.type !== 'VIEW' && !volatile[flavour].has(nameOf(table)),
  );
  const summed = (table: Table): boolean => flavour === 'mysql' && table.engine === 'ARCHIVE';
  const rows = await server.query<{ Table: string; Checksum: number | string | null }>(
    `CHECKSUM TABLE ${quoted(tables.filter((table) => !summed(table)))} EXTENDED`,
  );
  return new Map([
    ...rows.map(({ Table, Checksum }): [string, string] => [
      Table,
      Checksum === null ? 'unreadable' : String(Checksum),
    ]),
    ...(await rowSums(server, tables.filter(summed))),
  ]);
}

interface Shown {
  /** What SHOW CREATE calls it. */
  readonly kind: string;
  readonly name: string;
  /** The column of SHOW CREATE with its text. */
  readonly column: string;
}

const listShown = async (server: TestServer): Promise<Shown[]> => {
  const databases = await server.query<{ n: string }>(
    'SELECT schema_name AS n FROM information_schema.schemata WHERE schema_name NOT IN (?)',
    [[...notOurs, 'mysql']],
  );
  const tables = (await listTables(server)).filter(({ database }) => database !== 'mysql');
  const stored = await server.query<Record<'d' | 'n' | 'k', string>>(
    "SELECT * FROM (SELECT trigger_schema AS d, trigger_name AS n, 'TRIGGER' AS k " +
      'FROM information_schema.triggers UNION ALL ' +
      'SELECT routine_schema, routine_name, routine_type FROM information_schema.routines ' +
      "UNION ALL SELECT event_schema, event_name, 'EVENT' FROM information_schema.events) AS s " +
      'WHERE d NOT IN (?)',
    [[...notOurs, 'mysql']],
  );
  return [
    ...databases.map(({ n }) => ({ kind: 'DATABASE', name: quote(n), column: 'Create Database' })),
    ...tables.map((table) =>
      table.type === 'VIEW'
        ? { kind: 'VIEW', name: quoted([table]), column: 'Create View' }
        : { kind: 'TABLE', name: quoted([table]), column: 'Create Table' },
    ),
    ...stored.map(({ d, n, k }) => ({
      kind: k,
      name: `${quote(d)}.${quote(n)}`,
      column: storedColumns[k] ?? '',
    })),
  ];
};

const storedColumns: Record<string, string> = {
  TRIGGER: 'SQL Original Statement',
  FUNCTION: 'Create Function',
  PROCEDURE: 'Create Procedure',
  EVENT: 'Create Event',
};

// The counter of a crashed server may be ahead of its rows, and MySQL forgets where a table was
// that it finds in its data directory.
const incidental = / AUTO_INCREMENT=\d+| DATA DIRECTORY='[^']*'/gu;

/**
 * SHOW CREATE of every database, table, view, trigger, routine and event outside of mysql, by
 * its name, and the transactions that are prepared (XA).
 */
export async function definitions(server: TestServer): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { kind, name, column } of await listShown(server)) {
    let text: string;
    try {
      const [row] = await server.query(`SHOW CREATE ${kind} ${name}`);
      text = String(row?.[column]);
    } catch (error) {
      text = `unreadable: ${String(error)}`;
    }
    found.set(`${kind} ${name}`, text.replaceAll(incidental, ''));
  }
  for (const { data } of await server.query<{ data: string }>('XA RECOVER')) {
    found.set(`XA ${data}`, 'prepared');
  }
  return found;
}

const differences = (source: Map<string, string>, target: Map<string, string>): string[] => {
  const names = [...new Set([...source.keys(), ...target.keys()])].sort();
  return names
    .filter((name) => source.get(name) !== target.get(name))
    .map((name) => {
      const [here, there] = [source.get(name), target.get(name)];
      if (there === undefined) return `${name}: missing in the target`;
      if (here === undefined) return `${name}: only in the target`;
      return `${name}: source ${here}, target ${there}`;
    });
};

/** Transactions of the source that the target does not count as its own; empty when there are none. */
const missingGtids = async (source: TestServer, target: TestServer): Promise<string[]> => {
  if (flavourOf(source.product) !== 'mysql') return [];
  const [ours] = await source.query<{ gtids: string }>('SELECT @@gtid_executed AS gtids');
  const [lacks] = await target.query<{ gtids: string }>(
    'SELECT GTID_SUBTRACT(?, @@gtid_executed) AS gtids',
    [ours?.gtids],
  );
  return lacks?.gtids === '' ? [] : [`gtid_executed: missing in the target: ${lacks?.gtids}`];
};

/**
 * Fails, naming each difference, unless both servers have the same definitions and rows, and the
 * target (of MySQL) knows the source's transactions as done.
 */
export async function assertSame(source: TestServer, target: TestServer): Promise<void> {
  const [ours, theirs] = await Promise.all([checksums(source), checksums(target)]);
  const [shapes, theirShapes] = await Promise.all([definitions(source), definitions(target)]);
  const different = [
    ...differences(ours, theirs),
    ...differences(shapes, theirShapes),
    ...(await missingGtids(source, target)),
  ];
  if (different.length > 0) {
    assert.fail(
      `${source.name} and ${target.name} differ in ${different.length} places:\n` +
        different.map((line) => `  ${line}`).join('\n'),
    );
  }
  assert.ok(ours.size > 0, 'no table to compare');
}
