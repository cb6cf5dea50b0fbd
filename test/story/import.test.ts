// An archive that mariadb-backup streamed to a place long ago: imported there, it is a backup.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { decodeManifest } from '../../formats/archive-record/index.ts';
import { treeOf } from '../sink/support.ts';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runShell, runTool } from '../support/tool.ts';
import { createSchema } from '../support/workload.ts';
import { proveSame } from './ways-back.ts';

/** Runs the tool and tells what it said. */
async function tool(...args: string[]): Promise<string> {
  const { status, stderr } = await runTool(args);
  assert.equal(status, 0, stderr.slice(-5000));
  return stderr;
}

describe('an archive by mariadb-backup', () => {
  let source: TestServer;
  before(async () => {
    source = await startServer({ name: 'source' });
    await createSchema(source, { megabytes: 4 });
  });

  for (const [what, option] of [
    ['plain', ''],
    ['compressed', '--compress'],
  ] as const) {
    it(`is a backup once it is imported, ${what}: some files, all of it, and the server again`, async () => {
      const dir = scratchDir('import');
      const archive = join(dir, 'full.xbs');
      const { status, stderr } = await runShell(
        '"$1" --no-defaults --backup $6 --stream=xbstream --user=root --socket="$2" ' +
          '--datadir="$3" --target-dir="$4" >"$5"',
        findProgram('mariadb-backup'),
        source.socket,
        source.datadir,
        join(dir, 'tmp'),
        archive,
        option,
      );
      assert.equal(status, 0, stderr.slice(-5000));
      const backup = join(dir, 'full');
      const from = `--from=${backup}`;
      await tool('import', archive);
      await tool('verify', from);
      const some = scratchDir('some');
      await tool('extract', from, '--include=mysql/innodb_*_stats.*', '--decompress', '-C', some);
      const names = ['index', 'table'].flatMap((kind) =>
        ['frm', 'ibd'].map((suffix) => `mysql/innodb_${kind}_stats.${suffix}`),
      );
      assert.deepEqual(Object.keys(treeOf(some)), names);
      const datadir = join(scratchDir('back'), 'data');
      const said = await tool('restore', from, '--datadir', datadir);
      const manifest = decodeManifest(readFileSync(join(backup, 'manifest.json')));
      const { redoStart, lastLsn, compression } = manifest;
      assert.match(said, new RegExp(`redo log is whole: LSN ${redoStart} to ${lastLsn}`));
      assert.equal(compression, option === '' ? undefined : 'qpress');
      await proveSame(source, datadir, { replay: false });
    });
  }
});
