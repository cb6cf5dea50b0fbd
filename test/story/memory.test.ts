import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { dialectOf } from '../support/dialect.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runTool } from '../support/tool.ts';
import { accessArgs } from './held-backup.ts';
import { serverOf } from './ways-back.ts';

/** Less than the 256 MiB that are promised, as an upload has buffers too; and between the sizes. MiB. */
const peakMax = { backup: 220, extraction: 190, chain: 220 };
const growthMax = 24;

/** Tables of 10 MiB each, in the smaller and in the larger backup. */
const sizes = [8, 32] as const;
const tableBytes = 10 * 2 ** 20;

// NODE_OPTIONS takes double quotes for its own.
const report = "process.on('exit',()=>console.error('PEAK',process.resourceUsage().maxRSS))";
const env = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${report}` };

/**
 * Most memory that a run of the tool had, MiB. A peak over the limit is measured once more, and the
 * smaller one counts: garbage may be collected late. `target` is what the run makes.
 */
async function peakOf(limit: number, target: string, args: readonly string[]): Promise<number> {
  const first = await measuredPeak(args);
  if (first < limit) return first;
  rmSync(target, { recursive: true });
  return Math.min(first, await measuredPeak(args));
}

async function measuredPeak(args: readonly string[]): Promise<number> {
  const { status, stderr } = await runTool([...args, '--no-defaults', '--quiet'], { env });
  assert.equal(status, 0, stderr);
  return Number(/PEAK (\d+)\n$/.exec(stderr)?.[1] ?? assert.fail(stderr)) / 1024;
}

/** CSV tables: the server does not look at their data, which is the same file for all of them. */
async function addTables(
  server: TestServer,
  data: string,
  from: number,
  to: number,
): Promise<void> {
  for (let i = from; i < to; i++) {
    await server.query(`CREATE TABLE big.t${i} (a INT NOT NULL) ENGINE=CSV`);
    const file = join(server.datadir, 'big', `t${i}.CSV`);
    rmSync(file);
    linkSync(data, file);
  }
}

interface Peaks {
  backup: number;
  extraction: number;
}

describe('the memory of four copy threads and of the way back', () => {
  const key = join(scratchDir('key'), 'key');
  const data = join(scratchDir('data'), 'data');
  const encodings = [
    { name: 'as it is', options: [] },
    { name: 'in lz4', options: ['--compress=lz4'] },
    {
      name: 'in zstd and encrypted',
      options: ['--compress=zstd', '--encrypt=AES256', `--encrypt-key-file=${key}`],
    },
  ];
  /** By encoding, one for each size. */
  const measured = new Map<string, Peaks[]>();

  async function measure(
    server: TestServer,
    options: readonly string[],
    smaller: Peaks | undefined,
  ): Promise<Peaks> {
    const limit = (what: keyof Peaks): number =>
      Math.min(peakMax[what], (smaller?.[what] ?? Infinity) + growthMax);
    const archive = join(scratchDir('archive'), 'archive');
    const into = join(scratchDir('into'), 'files');
    const backup = ['backup', ...accessArgs(server), '--parallel=4', `--to=${archive}`, ...options];
    const unlock = options.filter((option) => option.startsWith('--encrypt-key-file'));
    const extract = ['extract', '--decompress', `--from=${archive}`, `--directory=${into}`];
    const decrypt = unlock.length > 0 ? ['--decrypt', ...unlock] : [];
    const peaks = {
      backup: await peakOf(limit('backup'), archive, backup),
      extraction: await peakOf(limit('extraction'), into, [...extract, ...decrypt]),
    };
    for (const directory of [archive, into]) rmSync(directory, { recursive: true });
    return peaks;
  }

  before(async () => {
    writeFileSync(key, randomBytes(32), { mode: 0o600 });
    // Text, which becomes half as long.
    writeFileSync(data, randomBytes(tableBytes / 2).toString('hex'));
    const server = await startServer({ name: 'big' });
    await server.query('CREATE DATABASE big');
    let tables = 0;
    for (const size of sizes) {
      await addTables(server, data, tables, size);
      tables = size;
      for (const { name, options } of encodings) {
        const before = measured.get(name) ?? [];
        measured.set(name, [...before, await measure(server, options, before[0])]);
      }
    }
    await server.stop();
  });

  for (const { name } of encodings) {
    for (const what of ['backup', 'extraction'] as const) {
      it(`stays flat at any size: ${what} ${name}`, (t) => {
        const [small = NaN, large = NaN] = (measured.get(name) ?? []).map((peaks) => peaks[what]);
        t.diagnostic(`${small.toFixed(0)} and ${large.toFixed(0)} MiB`);
        assert.ok(large < peakMax[what], `${large} MiB`);
        assert.ok(large - small < growthMax, `${small} MiB, and ${large} MiB of the larger one`);
      });
    }
  }
});

/** Tables of about 32 MiB each. */
async function makeRows(server: TestServer): Promise<void> {
  await server.query('CREATE DATABASE big');
  const text = Array.from({ length: 10 }, (_, i) => `SHA2(seq * 10 + ${i}, 512)`).join();
  for (const name of ['a', 'b', 'c', 'd']) {
    await server.query(`CREATE TABLE big.${name} (id INT PRIMARY KEY, n INT, s VARCHAR(2000))`);
    const numbers = dialectOf(server).numbers(20_000, 'big');
    await server.query(`INSERT INTO big.${name} SELECT seq, 0, CONCAT(${text}) FROM ${numbers}`);
  }
}

describe('the memory of a chain', () => {
  it('stays as low, where all pages have changed and where few have', async (t) => {
    const server = await startServer({ name: 'rows', options: ['--innodb-log-file-size=200M'] });
    await makeRows(server);
    const place = scratchDir('chain');
    const key = join(scratchDir('key'), 'key');
    writeFileSync(key, randomBytes(32), { mode: 0o600 });
    const unlock = `--encrypt-key-file=${key}`;
    const encoding = ['--parallel=4', '--compress=zstd', '--encrypt=AES256', unlock];
    const backup = async (name: string, ...base: string[]): Promise<number> => {
      const target = join(place, name);
      const args = ['backup', ...accessArgs(server), `--to=${target}`, ...encoding, ...base];
      return await peakOf(peakMax.backup, target, args);
    };
    await backup('full');
    for (const name of ['a', 'b', 'c']) await server.query(`UPDATE big.${name} SET n = n + 1`);
    const all = await backup('all', `--incremental-base=${join(place, 'full')}`);
    for (const name of ['b', 'c', 'd']) {
      await server.query(`UPDATE big.${name} SET n = n + 1 WHERE id % 100 = 0`);
    }
    const few = await backup('few', `--incremental-base=${join(place, 'all')}`);
    await server.stop();
    const datadir = join(scratchDir('restored'), 'data');
    const back = ['restore', `--from=${join(place, 'few')}`, `--datadir=${datadir}`, unlock];
    const restore = await peakOf(peakMax.chain, datadir, [
      ...back,
      '--server-binary',
      serverOf(server.product),
    ]);
    t.diagnostic(`${[all, few, restore].map((peak) => peak.toFixed(0)).join(', ')} MiB`);
    assert.ok(Math.max(all, few) < peakMax.backup, `${all} and ${few} MiB`);
    assert.ok(restore < peakMax.chain, `${restore} MiB`);
  });
});
