// npm run bench: xbpipe and the stock tools on the same data, in turn.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { compare } from './measure.ts';

const run = promisify(execFile);
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

const options = ['--innodb-log-file-size=96M', '--innodb-buffer-pool-size=1G', '--skip-log-bin'];
const filled = await startServer({ name: 'filled', options });
const bytes = await fill(filled);
// A clean start: nothing of the filling is left to flush or purge while the tools are measured.
await filled.stop();
const server = await startServer({ name: 'bench', options, datadir: filled.datadir });
console.log(`${(bytes / 1e9).toFixed(2)} GB of InnoDB files, page cache warm`);
const main = fileURLToPath(new URL('../support/tool-main.js', import.meta.url));
const tool = `${process.execPath} "${main}"`;
const ours = `${tool} backup --no-defaults --user=root --socket=${server.socket}`;
const theirs =
  `${findProgram('mariadb-backup')} --no-defaults --backup --stream=xbstream --user=root --parallel=2 ` +
  `--socket=${server.socket} --datadir=${server.datadir} --target-dir=${scratchDir('peer')}`;
const scratch = scratchDir('bench');
const key = join(scratch, 'key');
writeFileSync(key, randomBytes(32));

/** mariadb-backup tells the kernel to drop what it has read; both tools shall find it in the page cache. */
async function warm(): Promise<void> {
  await run('bash', ['-c', 'cat "$1"/ibdata* "$1"/*/*.ibd > /dev/null', 'bash', server.datadir]);
}

const peer = 'mariadb-backup';
for (const [title, rest] of [
  ['to /dev/null', '> /dev/null'],
  ['through a pipe', '| cat > /dev/null'],
] as const) {
  const commands = { ours: `${ours} ${rest}`, theirs: `${theirs} ${rest}` };
  await compare({ title, peer, ...commands, goal: 1.2, before: warm });
}

const zstd = 'zstd -1 -T0 -q -c';
await compare({
  title: 'compressed with zstd level 1',
  ours: `${ours} --compress > /dev/null`,
  theirs: `${theirs} | ${zstd} > /dev/null`,
  peer: `${peer} | zstd -1 -T0`,
  goal: 1,
  before: warm,
});
await compare({
  title: 'compressed and encrypted with AES-256',
  ours: `${ours} --compress --encrypt=AES256 --encrypt-key-file=${key} > /dev/null`,
  theirs: `${theirs} | ${zstd} | openssl enc -aes-256-ctr -pbkdf2 -pass file:${key} > /dev/null`,
  peer: `${peer} | zstd | openssl enc`,
  goal: 1,
  before: warm,
});

const [own, stock, into] = ['own.xbs', 'stock.zst', 'into'].map((name) => join(scratch, name));
await run('bash', ['-c', `${ours} --compress > ${own}`]);
await run('bash', ['-c', `${theirs} | ${zstd} > ${stock}`]);
await server.stop();
await compare({
  title: 'extracted',
  // What was written is to be on the disk when the time is taken, as ours makes sure of it.
  ours: `${tool} extract --no-defaults --decompress --from=${own} -C ${into}`,
  theirs: `zstd -d -q -c ${stock} | ${findProgram('mbstream')} -x -C ${into} && sync -f ${into}`,
  peer: 'zstd -d | mbstream -x; sync',
  goal: 1,
  before: async () => {
    await run('bash', [
      '-c',
      `rm -rf ${into}; mkdir ${into}; cat ${own} ${stock} > /dev/null; sync`,
    ]);
  },
});
