// A copy of a table's file that lies beside it in the data directory: both have one space id.

import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { assertFailed, backupArgs } from './faults-support.ts';
import { backUp, restored } from './increment-support.ts';
import { proveSame } from './ways-back.ts';

const product = 'mariadb-10.11';

describe('a stray copy of a table in the data directory', { skip: leftOut(product) }, () => {
  it('ends increments, and the next one without it brings the table whole', async () => {
    const source = await startServer({ name: 'source', product });
    await source.query('CREATE DATABASE d');
    await source.query('CREATE TABLE d.t (id INT PRIMARY KEY, s VARCHAR(500)) ENGINE=InnoDB');
    await source.query("INSERT INTO d.t SELECT seq, REPEAT('x', 400) FROM d.seq_1_to_3000");
    await source.query('FLUSH TABLES d.t FOR EXPORT');
    const stray = join(source.datadir, 'd', 'a_copy.ibd');
    copyFileSync(join(source.datadir, 'd', 't.ibd'), stray);
    await source.query('UNLOCK TABLES');
    const change = "UPDATE d.t SET s = REPEAT('y', 400) WHERE id % 50 = 0";
    await source.query(change);

    const full = join(scratchDir('backup'), 'full');
    const { stderr } = assertDone(await runTool(backupArgs(source, `--to=${full}`)));
    assert.match(stderr, /d\/a_copy\.ibd and d\/t\.ibd have one space id/u);
    const next = join(scratchDir('backup'), 'next');
    const args = backupArgs(source, `--to=${next}`, `--incremental-base=${full}`);
    const told = assertFailed(await runTool(args), 40, 'chain');
    assert.match(told.message ?? '', /have one space id, \d+: one is a stray copy/u);

    rmSync(stray);
    await source.query("UPDATE d.t SET s = REPEAT('z', 400) WHERE id % 70 = 0");
    const increment = await backUp(source, `--incremental-base=${full}`);
    const archives = [full, increment].map((link) => join(link, 'archive.xbs'));
    await proveSame(source, await restored(product, ...archives), { replay: false });
  });
});
