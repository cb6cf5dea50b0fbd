import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { copyOf } from '../restore/prepare-support.ts';
import { leftOut, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { createSchema, startDdl, startLoad } from '../support/workload.ts';
import { accessArgs } from './held-backup.ts';
import { restored } from './increment-support.ts';
import { calmRedo } from './redo-options.ts';
import { proveSame, serverOf } from './ways-back.ts';

const names = ['full', 'first', 'second', 'third'] as const;

/** Directories of backups, the full one first: each increment taken on the one before. */
async function takeChain(source: TestServer, between: () => Promise<void>): Promise<string[]> {
  const place = scratchDir('chain');
  const links: string[] = [];
  for (const name of names) {
    const link = join(place, name);
    const parent = links.at(-1);
    const base = parent === undefined ? [] : [`--incremental-base=${parent}`];
    assertDone(await runTool(['backup', ...accessArgs(source), `--to=${link}`, ...base]));
    links.push(link);
    await between();
  }
  return links;
}

async function extracted(link: string): Promise<string> {
  const directory = join(scratchDir('extracted'), 'files');
  assertDone(await runTool(['extract', '--no-defaults', `--from=${link}`, '-C', directory]));
  return directory;
}

async function prepare(directory: string, ...args: string[]): Promise<void> {
  assertDone(await runTool(['prepare', '--no-defaults', ...args, directory]));
}

/** All increments laid over the extracted full backup at once. */
async function prepared(product: Product, links: readonly string[]): Promise<string> {
  const [full = '', ...increments] = await Promise.all(links.map(extracted));
  const dirs = increments.map((one) => `--incremental-dir=${one}`);
  await prepare(full, ...dirs, '--server-binary', serverOf(product));
  return full;
}

/** One increment after the other laid over the extracted full backup; what that came to at each. */
async function* preparedOneByOne(
  product: Product,
  links: readonly string[],
): AsyncGenerator<string> {
  const [full = '', ...increments] = await Promise.all(links.map(extracted));
  await prepare(full, '--apply-log-only');
  for (const increment of increments) {
    await prepare(full, '--apply-log-only', `--incremental-dir=${increment}`);
    const copy = copyOf(full);
    await prepare(copy, '--server-binary', serverOf(product));
    yield copy;
  }
}

async function merged(link: string): Promise<string> {
  const target = join(scratchDir('merged'), 'backup');
  const tmpdir = scratchDir('laid');
  const args = ['merge', '--no-defaults', `--from=${link}`, `--to=${target}`];
  assertDone(await runTool([...args, '--compress', `--tmpdir=${tmpdir}`]));
  return target;
}

/** The chain of one product. Each has a file of its own, so that no file takes minutes. */
export function describeChain(product: Product): void {
  describe(`a chain of ${product} under load`, { skip: leftOut(product) }, () => {
    it('comes back at every link, on every way', async (t) => {
      const options = calmRedo(product);
      const source = await startServer({ name: 'source', product, options });
      const tables = await createSchema(source, { megabytes: 3 });
      const load = await startLoad(source, tables, { pauseMs: 200 });
      const ddl = await startDdl(source);
      const links = await takeChain(source, async () => {
        const target = ddl.statements() + 30;
        while (ddl.statements() < target) await sleep(20);
      });
      await ddl.stop();
      await load.stop();
      const [full = '', first = '', , third = ''] = links;

      // A full backup by itself is the business of other stories.
      for (const [i, link] of [...links.entries()].slice(1)) {
        await t.test(`restored from the ${names[i] ?? ''} link`, async () => {
          await proveSame(source, await restored(product, link), { replay: true });
        });
      }
      await t.test('restored from links that are named one by one', async () => {
        const archives = [full, first].map((link) => join(link, 'archive.xbs'));
        await proveSame(source, await restored(product, ...archives), { replay: true });
      });
      await t.test('prepared with all increments at once', async () => {
        await proveSame(source, await prepared(product, links), { replay: true });
      });
      await t.test('prepared with one increment after the other, at each', async () => {
        for await (const datadir of preparedOneByOne(product, links)) {
          await proveSame(source, datadir, { replay: true });
        }
      });
      await t.test('merged into a full backup', async () => {
        const merge = await merged(third);
        assertDone(await runTool(['verify', '--no-defaults', `--from=${merge}`]));
        await proveSame(source, await restored(product, merge), { replay: true });
      });
      await t.test('verified, and its chain with it', async () => {
        const { status, stderr } = await runTool(['verify', '--no-defaults', `--from=${third}`]);
        assert.equal(status, 0, stderr);
        assert.match(stderr, /its chain is there: .*full, .*first, .*second, .*third/u);
      });
    });
  });
}
