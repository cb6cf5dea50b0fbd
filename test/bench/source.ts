// The data that benchmarks work on: a server with some gigabytes in it.

import { fileURLToPath } from 'node:url';

import { startServer, type TestServer } from '../support/server.ts';
import { shell } from './shell.ts';

const rowsPerTable = 900_000;
const tables = 6;

async function fill(server: TestServer): Promise<number> {
  await server.query('CREATE DATABASE bench');
  await server.query(
    'CREATE TABLE bench.t1 (id BIGINT PRIMARY KEY AUTO_INCREMENT, a INT, b VARCHAR(255), c CHAR(100), KEY (a))',
  );
  await server.query(
    'INSERT INTO bench.t1 (a, b, c) SELECT seq * 7919 % 1000003, CONCAT(SHA2(seq, 512)), MD5(seq) ' +
      `FROM bench.seq_1_to_${rowsPerTable}`,
  );
  for (let i = 2; i <= tables; i++) {
    await server.query(`CREATE TABLE bench.t${i} LIKE bench.t1`);
    await server.query(`INSERT INTO bench.t${i} SELECT * FROM bench.t1`);
  }
  const [row] = await server.query<{ bytes: string }>(
    'SELECT SUM(FILE_SIZE) AS bytes FROM information_schema.INNODB_SYS_TABLESPACES',
  );
  return Number(row?.bytes);
}

/** Of the server, and of one that is started on a restored data directory. */
export const options = [
  '--innodb-log-file-size=96M',
  '--innodb-buffer-pool-size=1G',
  '--skip-log-bin',
];

/** A server that is filled and at rest, and the commands that work on it. */
export interface Source {
  server: TestServer;
  /** Runs the tool: to be followed by a command. */
  tool: string;
  /** Our backup to standard output, or with `--to`. */
  ours: string;
  /** Brings its files into the page cache: mariadb-backup tells the kernel to drop what it has read. */
  warm: () => Promise<void>;
}

export async function startSource(): Promise<Source> {
  const filled = await startServer({ name: 'filled', options });
  const bytes = await fill(filled);
  // A clean start: nothing of the filling is left to flush or purge while the tools are measured.
  await filled.stop();
  const server = await startServer({ name: 'bench', options, datadir: filled.datadir });
  console.log(`${(bytes / 1e9).toFixed(2)} GB of InnoDB files, page cache warm`);
  return sourceOf(server);
}

/** What works on a server that is filled and at rest. */
export function sourceOf(server: TestServer): Source {
  const main = fileURLToPath(new URL('../support/tool-main.js', import.meta.url));
  const tool = `${process.execPath} "${main}"`;
  const ours = `${tool} backup --no-defaults --user=root --socket=${server.socket}`;
  const files = `"${server.datadir}"/ibdata* "${server.datadir}"/*/*.ibd`;
  return { server, tool, ours, warm: () => shell(`cat ${files} > /dev/null`) };
}
