import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { leftOut, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runShell, runTool } from '../support/tool.ts';
import {
  createSchema,
  type Ddl,
  type Load,
  redoTurns,
  startDdl,
  startLoad,
} from '../support/workload.ts';
import { accessArgs, innodbBytes, startHeldBackup, stateBefore } from './held-backup.ts';
import { calmRedo } from './redo-options.ts';
import { proveSame, proveWaysBack, serverOf } from './ways-back.ts';

interface Busy {
  load: Load;
  ddl: Ddl;
}

/** A source with tables of every kind, code stored in it, and sessions that change all of it. */
async function startBusy(
  product: Product,
  megabytes: number,
  options: string[],
): Promise<[TestServer, Busy]> {
  const source = await startServer({ name: 'source', product, options });
  const tables = await createSchema(source, { megabytes });
  await addRoutines(source);
  // A tablespace is recognised by its page 0, which is in the file once it was flushed.
  await source.query('SET GLOBAL innodb_log_checkpoint_now = ON');
  const load = await startLoad(source, tables, { pauseMs: 150 });
  const ddl = await startDdl(source);
  return [source, { load, ddl }];
}

async function addRoutines(server: TestServer): Promise<void> {
  await server.query(
    'CREATE FUNCTION load_main.twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n',
  );
  await server.query(
    'CREATE PROCEDURE load_main.noted_rows() SELECT COUNT(*) AS n FROM load_main.noted',
  );
}

/** Stored code runs, views can be read, and a database without tables is there. */
async function assertCodeIsBack(target: TestServer): Promise<void> {
  const [row] = await target.query('SELECT load_main.twice(21) AS answer');
  assert.equal(row?.['answer'], 42);
  await target.query('CALL load_main.noted_rows()');
  await target.query('SELECT COUNT(*) FROM load_main.joined');
  const databases = await target.query("SHOW DATABASES LIKE 'load\\_empty'");
  assert.equal(databases.length, 1);
  const notes = 'SELECT COUNT(*) AS n FROM load_main.notes';
  const [before] = await target.query(notes);
  await target.query("INSERT INTO load_main.noted (k, a, b) VALUES (1, 'a', 'b')");
  const [after] = await target.query(notes);
  assert.equal(Number(after?.['n']), Number(before?.['n']) + 1, 'the trigger has noted the row');
}

async function stopAll({ load, ddl }: Busy): Promise<void> {
  await ddl.stop();
  const { commits } = await load.stop();
  assert.ok(commits > 0);
}

async function untilStatements(counted: { statements(): number }, more: number): Promise<void> {
  const target = counted.statements() + more;
  while (counted.statements() < target) await sleep(20);
}

for (const product of ['mariadb-10.11', 'mariadb-11.8'] as const) {
  describe(`a full backup of ${product} under load`, { skip: leftOut(product) }, () => {
    it('comes back on every way although the redo log wraps and DDL runs', async (t) => {
      const [source, busy] = await startBusy(product, 8, ['--innodb-log-file-size=20M']);
      await untilStatements(busy.ddl, 40);
      const before = await redoTurns(source);
      const backup = await startHeldBackup(t, source, await innodbBytes(source, 500_000));
      while ((await redoTurns(source)) < Math.floor(before) + 2) await sleep(20);
      // Every kind of change once.
      await untilStatements(busy.ddl, 80);
      const { status, stderr } = await backup.finish();
      assert.equal(status, 0, stderr);
      assert.match(stderr, /[1-9]\d* tables new/u);
      await untilStatements(busy.ddl, 10);
      await stopAll(busy);
      await proveWaysBack(t, source, backup.archive, { replay: true, more: assertCodeIsBack });
    });

    it('is equal to the source without a replay when the load stops before its end', async (t) => {
      const [source, busy] = await startBusy(product, 4, ['--innodb-log-file-size=32M']);
      await untilStatements(busy.ddl, 20);
      const backup = await startHeldBackup(t, source, await innodbBytes(source, 500_000));
      await untilStatements(busy.ddl, 40);
      await stopAll(busy);
      const { status, stderr } = await backup.finish();
      assert.equal(status, 0, stderr);
      const ways = ['mbstream and mariadb-backup --prepare', 'xbpipe restore'] as const;
      await proveWaysBack(t, source, backup.archive, { replay: false, ways });
    });

    it('holds DDL off for the whole copy with --lock-ddl=ON', async (t) => {
      const options = calmRedo(product);
      const source = await startServer({ name: 'source', product, options });
      const tables = await createSchema(source, { megabytes: 2 });
      // Writes to tables without transactions wait as well.
      const innodb = tables.filter(
        ({ transactional: yes, name }) => yes || /full_text/u.test(name),
      );
      const load = await startLoad(source, innodb, { pauseMs: 150 });
      const backup = await startHeldBackup(t, source, 1_000_000, ['--lock-ddl=ON']);
      const session = await source.connect({ database: 'load_main' });
      const ddl = session.query('RENAME TABLE r_compact TO renamed, myisam TO renamed_too');
      const waiting =
        "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'RENAME%' " +
        "AND state LIKE 'Waiting for backup%'";
      assert.ok(await stateBefore(ddl, async () => (await source.query(waiting)).length > 0));
      await untilStatements(load, 20);
      assert.equal((await source.query(waiting)).length, 1);
      assert.ok(existsSync(join(source.datadir, 'load_main', 'r_compact.ibd')));
      const { status, stderr } = await backup.finish();
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, /[1-9]\d* renamed/u);
      await ddl;
      await load.stop();
      await proveWaysBack(t, source, backup.archive, { replay: true });
    });
  });

  describe(`a full backup of ${product} at rest`, { skip: leftOut(product) }, () => {
    it('comes back from plain files and from a backup directory', async () => {
      const source = await startServer({ name: 'source', product });
      await createSchema(source, { megabytes: 1 });
      const dir = scratchDir('quiet');
      const [files, named] = [join(dir, 'files'), join(dir, 'named')];
      for (const target of [`--target-dir=${files}`, `--to=${named}`]) {
        assertDone(await runTool(['backup', ...accessArgs(source), target]));
      }
      const restored = join(dir, 'restored');
      for (const args of [
        ['prepare', files],
        ['restore', '--from', named, '--datadir', restored],
      ]) {
        assertDone(await runTool([...args, '--server-binary', serverOf(product)]));
      }
      for (const datadir of [files, restored]) await proveSame(source, datadir, { replay: false });
    });

    it('comes back through a pipe to another program', async () => {
      const source = await startServer({ name: 'source', product });
      await createSchema(source, { megabytes: 1 });
      const datadir = join(scratchDir('piped'), 'data');
      const script =
        'server=$1 out=$2; shift 2; xbpipe backup "$@" | cat | ' +
        'xbpipe restore --server-binary "$server" --datadir "$out"';
      const args = [serverOf(product), datadir, ...accessArgs(source)];
      assertDone(await runShell(script, ...args));
      await proveSame(source, datadir, { replay: false });
    });
  });
}
