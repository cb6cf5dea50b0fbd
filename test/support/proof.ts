// What makes a restored server equal to its source: no damaged table, and the same rows and
// definitions once the source's binlog from the backup's position on has been replayed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { findProgram } from './programs.ts';
import { quote } from './schema.ts';
import type { TestServer } from './server.ts';

export interface BinlogPosition {
  readonly file: string;
  readonly position: number;
}

const notOurs = ['information_schema', 'performance_schema', 'sys'];

// Tables that a server writes to on its own, so that two equal servers differ in them.
const volatile = new Set([
  'mysql.general_log',
  'mysql.slow_log',
  'mysql.innodb_index_stats',
  'mysql.innodb_table_stats',
  'mysql.table_stats',
  'mysql.column_stats',
  'mysql.index_stats',
  'mysql.gtid_slave_pos',
  'mysql.transaction_registry',
  'mysql.event',
]);

interface Table {
  readonly database: string;
  readonly table: string;
  readonly type: string;
}

const listTables = async (server: TestServer): Promise<Table[]> => {
  const rows = await server.query<Record<'d' | 't' | 'k', string>>(
    'SELECT table_schema AS d, table_name AS t, table_type AS k FROM information_schema.tables ' +
      'WHERE table_schema NOT IN (?) ORDER BY d, t',
    [notOurs],
  );
  return rows.map(({ d, t, k }) => ({ database: d, table: t, type: k }));
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
    .filter((row) => !isHarmless(row.Msg_type, row.Msg_text))
    .map(({ Table, Msg_type, Msg_text }) => `${Table}: ${Msg_type}: ${Msg_text}`);
  const checked = new Set(rows.map(({ Table }) => Table));
  const unseen = tables.map(nameOf).filter((name) => !checked.has(name));
  return [...faults, ...unseen.map((name) => `${name}: not checked`)];
}

/**
 * CHECKSUM TABLE ... EXTENDED of every base table that a server does not change on its own,
 * by "database.table". A table that cannot be read has the checksum "unreadable".
 */
export async function checksums(server: TestServer): Promise<Map<string, string>> {
  const tables = (await listTables(server)).filter(
    (table) => table.type !== 'VIEW' && !volatile.has(nameOf(table)),
  );
  const rows = await server.query<{ Table: string; Checksum: number | string | null }>(
    `CHECKSUM TABLE ${quoted(tables)} EXTENDED`,
  );
  return new Map(
    rows.map(({ Table, Checksum }) => [Table, Checksum === null ? 'unreadable' : String(Checksum)]),
  );
}

/** SHOW CREATE of every database, table, view and trigger outside of mysql, by its name. */
export async function definitions(server: TestServer): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const show = async (kind: string, name: string, column: string): Promise<void> => {
    let text: string;
    try {
      const [row] = await server.query(`SHOW CREATE ${kind} ${name}`);
      text = String(row?.[column]);
    } catch (error) {
      text = `unreadable: ${String(error)}`;
    }
    // The counter of a crashed server may be ahead of its rows.
    found.set(`${kind} ${name}`, text.replace(/ AUTO_INCREMENT=\d+/u, ''));
  };
  const databases = await server.query<{ n: string }>(
    'SELECT schema_name AS n FROM information_schema.schemata WHERE schema_name NOT IN (?)',
    [[...notOurs, 'mysql']],
  );
  for (const { n } of databases) await show('DATABASE', quote(n), 'Create Database');
  for (const table of await listTables(server)) {
    if (table.database === 'mysql') continue;
    if (table.type === 'VIEW') await show('VIEW', quoted([table]), 'Create View');
    else await show('TABLE', quoted([table]), 'Create Table');
  }
  const triggers = await server.query<Record<'d' | 't', string>>(
    'SELECT trigger_schema AS d, trigger_name AS t FROM information_schema.triggers ' +
      'WHERE trigger_schema NOT IN (?)',
    [notOurs],
  );
  for (const { d, t } of triggers) {
    await show('TRIGGER', `${quote(d)}.${quote(t)}`, 'SQL Original Statement');
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

/** Fails, naming each difference, unless both servers have the same definitions and rows. */
export async function assertSame(source: TestServer, target: TestServer): Promise<void> {
  const [ours, theirs] = await Promise.all([checksums(source), checksums(target)]);
  const [shapes, theirShapes] = await Promise.all([definitions(source), definitions(target)]);
  const different = [...differences(ours, theirs), ...differences(shapes, theirShapes)];
  if (different.length > 0) {
    assert.fail(
      `${source.name} and ${target.name} differ in ${different.length} places:\n` +
        different.map((line) => `  ${line}`).join('\n'),
    );
  }
  assert.ok(ours.size > 0, 'no table to compare');
}

/** The server's binlog files from `first` on, as paths. */
const listBinlogs = async (server: TestServer, first: string): Promise<string[]> => {
  const [base] = await server.query<{ path: string }>('SELECT @@log_bin_basename AS path');
  const logs = await server.query<{ Log_name: string }>('SHOW BINARY LOGS');
  const names = logs.map((log) => log.Log_name);
  const from = names.indexOf(first);
  if (from < 0) throw new Error(`no binlog ${first} on ${server.name}, only ${names.join(', ')}`);
  return names.slice(from).map((name) => join(dirname(base?.path ?? ''), name));
};

/**
 * Replays the source's binlog from the position to its end on the target, which does not log
 * it. The source must be quiet. Throws on the first error of the reader or of the target.
 */
export async function replayBinlog(
  source: TestServer,
  target: TestServer,
  { file, position }: BinlogPosition,
): Promise<void> {
  const paths = await listBinlogs(source, file);
  // Read by each new connection; a big transaction is one packet.
  await target.query('SET GLOBAL max_allowed_packet = 1073741824');
  const reader = spawn(
    findProgram('mariadb-binlog', source.suite),
    ['--no-defaults', `--start-position=${position}`, ...paths],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const client = spawn(
    findProgram('mariadb', target.suite),
    [
      '--no-defaults',
      `--socket=${target.socket}`,
      '--user=root',
      '--batch',
      '--binary-mode',
      '--max-allowed-packet=1G',
      '--init-command=SET sql_log_bin = 0',
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  const [readerSays, clientSays, piped, readerEnd, clientEnd] = await Promise.all([
    text(reader.stderr),
    text(client.stderr),
    pipeline(reader.stdout, client.stdin).catch((error: unknown) => error),
    once(reader, 'exit'),
    once(client, 'exit'),
  ]);
  // The client goes first: when it stops, the reader fails as well, of a broken pipe.
  if (clientEnd[0] !== 0) throw new Error(`replay on ${target.name} failed: ${clientSays}`);
  if (readerEnd[0] !== 0) throw new Error(`cannot read the binlog ${file}: ${readerSays}`);
  if (piped !== undefined) throw new Error('replay was cut', { cause: piped });
}

/** The binlog position that a backup in the folder was taken at, from its own note of it. */
export async function readBinlogInfo(dir: string): Promise<BinlogPosition> {
  const names = ['xtrabackup_binlog_info', 'mariadb_backup_binlog_info'];
  for (const name of names) {
    const note = await readFile(join(dir, name), 'utf8').catch(() => undefined);
    const found = /^(\S+)\t(\d+)/u.exec(note ?? '');
    if (found !== null) return { file: found[1] ?? '', position: Number(found[2]) };
  }
  throw new Error(`none of ${names.join(', ')} in ${dir}`);
}
