// npm run bench: a full backup by xbpipe and by mariadb-backup of the same data, in turn.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Rounds that count, after one that warms up. */
const rounds = 5;
/** The kernel keeps the high-water mark, so that seldom is often enough; the sampler costs time too. */
const sampleMs = 100;
const rowsPerTable = 900_000;
const tables = 6;

interface Measure {
  wall: number;
  cpu: number;
  /** Peak resident memory, MiB. */
  memory: number;
}

/** mariadb-backup tells the kernel to drop what it has read; both tools shall find it in the page cache. */
async function warm(datadir: string): Promise<void> {
  const child = spawn('bash', ['-c', 'cat "$1"/ibdata* "$1"/*/*.ibd > /dev/null', 'bash', datadir]);
  await once(child, 'exit');
}

/** Runs a shell command whose first process is the tool; output goes where the command says. */
async function measure(command: string): Promise<Measure> {
  const timed = `TIMEFORMAT='TIMES %R %U %S'; time ${command}`;
  const child = spawn('bash', ['-c', timed], { stdio: ['ignore', 'ignore', 'pipe'] });
  let memory = 0;
  const sampler = setInterval(() => {
    memory = Math.max(memory, ...descendants(child.pid ?? 0).map(peakMemory));
  }, sampleMs);
  const [says] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  clearInterval(sampler);
  const times = /TIMES ([\d.]+) ([\d.]+) ([\d.]+)/.exec(says);
  if (!times || !/completed OK!/.test(says)) throw new Error(`${command}\n${says.slice(-2000)}`);
  const [wall = 0, user = 0, system = 0] = times.slice(1).map(Number);
  return { wall, cpu: user + system, memory };
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return children
      .filter(Boolean)
      .flatMap((child) => [Number(child), ...descendants(Number(child))]);
  } catch {
    return [];
  }
}

function peakMemory(pid: number): number {
  try {
    const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  } catch {
    return 0;
  }
}

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

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function show(name: string, runs: Measure[]): Record<keyof Measure, number> {
  const of = (key: keyof Measure): number[] => runs.map((run) => run[key]);
  const middle = {
    wall: median(of('wall')),
    cpu: median(of('cpu')),
    memory: Math.max(...of('memory')),
  };
  const spread = `${Math.min(...of('wall')).toFixed(2)} to ${Math.max(...of('wall')).toFixed(2)}`;
  console.log(
    `  ${name.padEnd(15)} wall ${middle.wall.toFixed(2)} s (${spread}), ` +
      `cpu ${middle.cpu.toFixed(2)} s, peak memory ${middle.memory.toFixed(0)} MiB`,
  );
  return middle;
}

async function compare(
  title: string,
  datadir: string,
  ours: string,
  theirs: string,
): Promise<void> {
  const runs: { ours: Measure[]; theirs: Measure[] } = { ours: [], theirs: [] };
  for (let round = 0; round <= rounds; round++) {
    await warm(datadir);
    const mine = await measure(ours);
    await warm(datadir);
    const peer = await measure(theirs);
    if (round === 0) continue;
    runs.ours.push(mine);
    runs.theirs.push(peer);
  }
  console.log(`${title}: medians of ${rounds} rounds, in turn`);
  const mine = show('xbpipe', runs.ours);
  const peer = show('mariadb-backup', runs.theirs);
  const pairs = runs.ours.map((run, i) => run.wall / (runs.theirs[i]?.wall ?? NaN));
  console.log(
    `  ratio           wall ${median(pairs).toFixed(2)} (goal: at most 1.20), ` +
      `cpu ${(mine.cpu / peer.cpu).toFixed(2)}; memory goal: at most 256 MiB`,
  );
}

const options = ['--innodb-log-file-size=96M', '--innodb-buffer-pool-size=1G', '--skip-log-bin'];
const filled = await startServer({ name: 'filled', options });
const bytes = await fill(filled);
// A clean start: nothing of the filling is left to flush or purge while the tools are measured.
await filled.stop();
const server = await startServer({ name: 'bench', options, datadir: filled.datadir });
console.log(`${(bytes / 1e9).toFixed(2)} GB of InnoDB files, page cache warm`);
const main = fileURLToPath(new URL('../support/tool-main.js', import.meta.url));
const ours = `${process.execPath} ${main} backup --no-defaults --user=root --socket=${server.socket}`;
const theirs =
  `${findProgram('mariadb-backup')} --no-defaults --backup --stream=xbstream --user=root --parallel=2 ` +
  `--socket=${server.socket} --datadir=${server.datadir} --target-dir=${scratchDir('peer')}`;
const { datadir } = server;
await compare('to /dev/null', datadir, `${ours} > /dev/null`, `${theirs} > /dev/null`);
await compare(
  'through a pipe',
  datadir,
  `${ours} | cat > /dev/null`,
  `${theirs} | cat > /dev/null`,
);
await server.stop();
