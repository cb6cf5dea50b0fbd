// Increments laid over a directory by a process that is killed, and then once more.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { copyOf } from '../restore/prepare-support.ts';
import { leftOut, type Product } from '../support/programs.ts';
import { seededRandom } from '../support/random.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool, startTool, toolEnd } from '../support/tool.ts';
import { createSchema, startLoad } from '../support/workload.ts';
import { accessArgs } from './held-backup.ts';
import { calmRedo } from './redo-options.ts';
import { proveSame, serverOf } from './ways-back.ts';

/** Directories of a full backup and of two increments. */
async function takeLinks(source: TestServer): Promise<string[]> {
  const place = scratchDir('links');
  const tables = await createSchema(source, { megabytes: 2 });
  const load = await startLoad(source, tables, { pauseMs: 100 });
  const links: string[] = [];
  for (const name of ['full', 'first', 'second']) {
    const parent = links.at(-1);
    const base = parent === undefined ? [] : [`--incremental-base=${parent}`];
    const link = join(place, name);
    assertDone(await runTool(['backup', ...accessArgs(source), `--target-dir=${link}`, ...base]));
    links.push(link);
    const target = load.statements() + 100;
    while (load.statements() < target) await sleep(20);
  }
  await load.stop();
  return links;
}

/** SHA-256 of every file. */
function digestsOf(directory: string): Record<string, string> {
  const files = readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [
      file.slice(directory.length),
      createHash('sha256').update(readFileSync(file)).digest('hex'),
    ]),
  );
}

async function durationOf(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

/** Kills the command at some moment of what it takes; false where it was done before. */
async function killedIn(args: readonly string[], milliseconds: number): Promise<boolean> {
  const child = startTool(args);
  const end = toolEnd(child);
  await Promise.race([sleep(milliseconds), end]);
  child.kill('SIGKILL');
  return (await end).signal === 'SIGKILL';
}

for (const product of ['mariadb-10.11', 'mysql-9.7'] satisfies Product[]) {
  describe(`a chain of ${product} that is laid in place`, { skip: leftOut(product) }, () => {
    it('comes to the same when it is killed at any moment and run again', async (t) => {
      const options = calmRedo(product);
      const source = await startServer({ name: 'source', product, options });
      const [full = '', ...increments] = await takeLinks(source);
      const command = (directory: string, ...args: string[]): string[] => {
        const dirs = increments.map((one) => `--incremental-dir=${one}`);
        return ['prepare', '--no-defaults', directory, ...dirs, ...args];
      };
      const random = seededRandom(6);
      let kills = 0;

      const laid = copyOf(full);
      const startup = await durationOf(() => runTool(['prepare', '--help']));
      const laying = await durationOf(async () => {
        assertDone(await runTool(command(laid, '--apply-log-only')));
      });
      for (let round = 0; round < 4; round += 1) {
        const copy = copyOf(full);
        const args = command(copy, '--apply-log-only');
        const moment = startup + random.below(Math.ceil(laying - startup));
        if (await killedIn(args, moment)) kills += 1;
        assertDone(await runTool(args));
        assert.deepEqual(digestsOf(copy), digestsOf(laid), `killed after ${moment} ms`);
      }

      const server = ['--server-binary', serverOf(product)];
      const recovering = await durationOf(async () => {
        assertDone(await runTool(command(laid, ...server)));
      });
      const copy = copyOf(full);
      const args = command(copy, ...server);
      const moment = laying + random.below(Math.ceil(recovering - startup));
      if (await killedIn(args, moment)) kills += 1;
      t.diagnostic(`${kills} of 5 were killed before they were done`);
      assert.ok(kills > 0);
      const again = await runTool(args);
      // The server had taken the redo log for its own.
      if (again.status !== 0) {
        assert.match(again.stderr, /HINT: if an earlier prepare was interrupted, extract the/u);
        return;
      }
      assertDone(again);
      // Once more it has nothing to do.
      assert.match(assertDone(await runTool(args)).stderr, /is prepared already/u);
      await proveSame(source, copy, { replay: true });
    });
  });
}
