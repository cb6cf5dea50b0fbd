import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { checksums, checkTables } from '../support/proof.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';

/** Waits until the server has nothing more to write to its data files. */
async function settle(server: TestServer): Promise<void> {
  // Returns when the purge is done.
  await server.query('SET GLOBAL innodb_max_purge_lag_wait = 0');
  await server.query('SET GLOBAL innodb_max_dirty_pages_pct = 0');
  const dirtyPages = async (): Promise<number> => {
    const [row] = await server.query("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'");
    return Number(row?.['Value']);
  };
  while ((await dirtyPages()) > 0) await sleep(20);
}

describe('a server whose files lie in several places', () => {
  it('is backed up with all of them, and restored into one directory', async () => {
    const [undo, disk, other] = [scratchDir('undo'), scratchDir('disk'), scratchDir('other')];
    const server = await startServer({
      name: 'source',
      options: [
        `--innodb-undo-directory=${undo}`,
        '--innodb-undo-tablespaces=2',
        '--ignore-db-dirs=skipped',
      ],
    });
    assert.ok(existsSync(join(undo, 'undo002')));
    // A database on another disk, one without a table, and a directory that is none.
    mkdirSync(join(other, 'linked'));
    symlinkSync(join(other, 'linked'), join(server.datadir, 'linked'));
    mkdirSync(join(server.datadir, 'skipped'));
    writeFileSync(join(server.datadir, 'skipped', 'x.ibd'), Buffer.alloc(100_000, 1));
    await server.query('CREATE DATABASE empty');
    await server.query('CREATE DATABASE d');
    const columns = '(a INT PRIMARY KEY, b CHAR(200))';
    const tables = ['linked.t', 'linked.m', 'd.near', 'd.far', 'd.moved', 'd.roaming'];
    for (const name of tables) {
      const engine = name.endsWith('.m') ? 'MyISAM' : 'InnoDB';
      const place = /far|moved|roaming/.test(name) ? ` DATA DIRECTORY='${disk}'` : '';
      await server.query(`CREATE TABLE ${name} ${columns} ENGINE=${engine}${place}`);
      await server.query(`INSERT INTO ${name} SELECT seq, '${name}' FROM d.seq_1_to_500`);
    }
    await server.query('RENAME TABLE d.moved TO d.called');
    // Its file stays in the folder of its old database.
    await server.query('RENAME TABLE d.roaming TO linked.home');
    assert.ok(existsSync(join(disk, 'd', 'home.ibd')));
    assert.ok(existsSync(join(disk, 'd', 'far.ibd')));

    const [archive, datadir] = [join(scratchDir('to'), 'new'), join(scratchDir('back'), 'data')];
    const access = ['--no-defaults', '--user=root', `--socket=${server.socket}`];
    assertDone(await runTool(['backup', ...access, `--to=${archive}`]));
    const before = await checksums(server);
    const liveFiles = (): string[] =>
      ['d/far.ibd', 'd/called.ibd', 'd/home.ibd'].map((file) => {
        const bytes = readFileSync(join(disk, file));
        return createHash('sha256').update(bytes).digest('hex');
      });
    // The server lives on, and its redo names files that the restore must not touch.
    await settle(server);
    const live = liveFiles();
    assertDone(
      await runTool(['restore', '--no-defaults', `--from=${archive}`, `--datadir=${datadir}`]),
    );
    assert.deepEqual(liveFiles(), live);
    // What is restored must live without the places it came from.
    await server.stop();
    renameSync(disk, `${disk}-gone`);
    assert.ok(!existsSync(join(datadir, 'skipped')));
    assert.ok(lstatSync(join(datadir, 'linked')).isDirectory());
    for (const file of ['undo001', 'undo002', 'd/far.ibd', 'd/called.ibd', 'linked/home.ibd']) {
      assert.ok(lstatSync(join(datadir, file)).isFile(), file);
    }
    const target = await startServer({
      name: 'target',
      datadir,
      options: ['--innodb-undo-tablespaces=2'],
    });
    assert.deepEqual(await checkTables(target), []);
    assert.deepEqual(await checksums(target), before);
    for (const name of ['linked.t', 'linked.m', 'd.near', 'd.far', 'd.called', 'linked.home']) {
      const [row] = await target.query(`SELECT COUNT(*) AS n FROM ${name}`);
      assert.equal(Number(row?.['n']), 500, name);
    }
    const databases = await target.query('SHOW DATABASES');
    const names = databases.map((row) => String(row['Database']));
    assert.ok(names.includes('empty') && !names.includes('skipped'), names.join());
    await target.stop();
  });
});
