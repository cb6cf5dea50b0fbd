// The source's binlog played on a restored server, from where the backup was taken.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { type Flavour, findProgram, flavourOf, type ProgramName } from './programs.ts';
import type { TestServer } from './server.ts';

export interface BinlogPosition {
  readonly file: string;
  readonly position: number;
  /** Set of the transactions up to there: a GTID set of MySQL, a GTID position of MariaDB. */
  readonly gtid?: string;
}

interface Tools {
  readonly reader: ProgramName;
  readonly client: ProgramName;
  readonly from: (position: BinlogPosition) => string[];
  /** Options of the client. */
  readonly session: readonly string[];
}

const startAt = ({ position }: BinlogPosition): string[] => [`--start-position=${position}`];

const tools: Record<Flavour, Tools> = {
  mariadb: {
    reader: 'mariadb-binlog',
    client: 'mariadb',
    from: startAt,
    session: ['--init-command=SET sql_log_bin = 0'],
  },
  mysql: {
    reader: 'mysqlbinlog',
    client: 'mysql',
    // It passes over every transaction whose GTID the target has, so it is given the whole file:
    // that the target knows what it has is proved by this as well.
    from: (position) => (position.gtid === undefined ? startAt(position) : []),
    // It logs what it gets: 9.7 does not note the GTID of an EXCHANGE PARTITION that it does not log.
    session: [],
  },
};

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
 * Replays the source's binlog from the position to its end on the target. The
 * source must be quiet. Throws on the first error of the reader or of the target.
 */
export async function replayBinlog(
  source: TestServer,
  target: TestServer,
  position: BinlogPosition,
): Promise<void> {
  const { file } = position;
  const paths = await listBinlogs(source, file);
  const {
    reader: readerName,
    client: clientName,
    from,
    session,
  } = tools[flavourOf(source.product)];
  // Read by each new connection; a big transaction is one packet.
  await target.query('SET GLOBAL max_allowed_packet = 1073741824');
  const reader = spawn(
    findProgram(readerName, source.product),
    ['--no-defaults', ...from(position), ...paths],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const client = spawn(
    findProgram(clientName, target.product),
    [
      '--no-defaults',
      `--socket=${target.socket}`,
      '--user=root',
      '--batch',
      '--binary-mode',
      '--max-allowed-packet=1G',
      ...session,
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
    const found = /^(\S+)\t(\d+)(?:\t([^\n]+))?/u.exec(note ?? '');
    if (found === null) continue;
    const [, file = '', position, gtid] = found;
    const place = { file, position: Number(position) };
    return gtid === undefined ? place : { ...place, gtid };
  }
  throw new Error(`none of ${names.join(', ')} in ${dir}`);
}
