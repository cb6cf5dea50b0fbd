// Increments of MariaDB, prepared with the stock tool on parents that it prepared.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { beginName, decodeBegin, decodeManifest } from '../../formats/archive-record/index.ts';
import {
  acceptedNames,
  decodeCheckpoints,
  decodeInfo,
  validateCheckpoints,
} from '../../formats/metadata/index.ts';
import { copyOf } from '../restore/prepare-support.ts';
import { findProgram, leftOut, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runShell, runTool } from '../support/tool.ts';
import { createSchema, type Ddl, startDdl, startLoad } from '../support/workload.ts';
import { assertFailed, backupArgs } from './faults-support.ts';
import { innodbBytes, startHeldBackup } from './held-backup.ts';
import { backUp } from './increment-support.ts';
import { startOnSystemFiles } from './several-system-files.ts';
import { proveSame } from './ways-back.ts';

/** `$1`: mbstream, `$2`: mariadb-backup, `$3`: data directory, `$4`: archive. */
const prepareFull = `
"$1" -x -C "$3" <"$4" &&
"$2" --defaults-file="$3/backup-my.cnf" --prepare --target-dir="$3"`;

/** `$5`: where the archive is extracted. */
const prepareIncrement = `
"$1" -x -C "$5" <"$4" &&
"$2" --defaults-file="$3/backup-my.cnf" --prepare --target-dir="$3" --incremental-dir="$5"`;

/** What the stock tools make of archives, the full one first: a data directory at every increment. */
async function* preparedByStock(
  product: Product,
  [full = '', ...increments]: readonly string[],
): AsyncGenerator<string> {
  const programs = [findProgram('mbstream', product), findProgram('mariadb-backup', product)];
  const data = scratchDir('data');
  assertDone(await runShell(prepareFull, ...programs, data, full));
  for (const archive of increments) {
    const dir = scratchDir('increment');
    assertDone(await runShell(prepareIncrement, ...programs, data, archive, dir));
    yield copyOf(data);
  }
}

async function untilStatements(ddl: Ddl, more: number): Promise<void> {
  const target = ddl.statements() + more;
  while (ddl.statements() < target) await sleep(20);
}

/** An archive; `between` happens while the largest files are copied and the others are not. */
async function archiveOf(
  t: TestContext,
  source: TestServer,
  args: string[],
  between: () => Promise<void>,
): Promise<string> {
  // All that an increment is sure to have: a little of it is taken before it stands still.
  const bytes = args.length > 1 ? 100_000 : await innodbBytes(source, 500_000);
  const backup = await startHeldBackup(t, source, bytes, args);
  await between();
  const { status, stderr } = await backup.finish();
  assert.equal(status, 0, stderr);
  return backup.archive;
}

for (const product of ['mariadb-10.11', 'mariadb-11.8'] as const) {
  describe(`increments of ${product}`, { skip: leftOut(product) }, () => {
    it('are taken by mariadb-backup --prepare, whatever DDL did between and during them', async (t) => {
      const options = ['--innodb-log-file-size=64M'];
      const source = await startServer({ name: 'source', product, options });
      const tables = await createSchema(source, { megabytes: 4 });
      const load = await startLoad(source, tables, { pauseMs: 100 });
      // The stock tool loses Aria tables that are renamed as soon as they are made, and ends when a
      // table that it has is called otherwise in an increment and has its old name again at its end.
      const ddl = await startDdl(source, { ariaRenames: false, swaps: false });
      await untilStatements(ddl, 40);
      const [zero, one] = [scratchDir('lsn'), scratchDir('lsn')];
      const full = await archiveOf(t, source, [`--extra-lsndir=${zero}`], () =>
        untilStatements(ddl, 40),
      );
      await untilStatements(ddl, 40);
      const first = await archiveOf(
        t,
        source,
        [`--incremental-basedir=${zero}`, `--extra-lsndir=${one}`],
        () => untilStatements(ddl, 60),
      );
      await untilStatements(ddl, 40);
      const second = await archiveOf(t, source, ['--incremental-base', first], () =>
        untilStatements(ddl, 40),
      );
      await untilStatements(ddl, 40);
      const third = await archiveOf(t, source, ['--incremental-base', second], async () => {
        await untilStatements(ddl, 60);
        await ddl.stop();
        await load.stop();
      });
      let links = 0;
      for await (const datadir of preparedByStock(product, [full, first, second, third])) {
        links += 1;
        // The third ends where the source stands still.
        await proveSame(source, datadir, { replay: links < 3 });
      }
      assert.equal(links, 3);
    });

    it('have the pages of every file of the system tablespace, and say what they are', async () => {
      const files = ['ibdata1:12M', 'ibdata2:8M', 'ibdata3:4M:autoextend'];
      const { source, options } = await startOnSystemFiles(product, files);
      const full = await backUp(source);
      for (const id of [1, 2]) {
        await source.query(`UPDATE shared.t SET b = REPEAT('y', 2900000 + ${id}) WHERE id = ${id}`);
      }
      await source.query("INSERT INTO shared.t (b) VALUES (REPEAT('z', 3000000))");
      const args = ['--incremental-base', full];
      const preview = await runTool(backupArgs(source, '--preview', ...args));
      assert.match(assertDone(preview).stderr, /a preview: nothing was backed up/u);
      const increment = await backUp(source, ...args);
      const archives = [full, increment].map((path) => join(path, 'archive.xbs'));
      for await (const datadir of preparedByStock(product, archives)) {
        await proveSame(source, datadir, { replay: false, serverOptions: options });
      }

      const [before, after] = [full, increment].map((path) =>
        decodeManifest(readFileSync(join(path, 'manifest.json'))),
      );
      assert.equal(after?.parentId, before?.backupId);
      const plain = join(scratchDir('plain'), 'new');
      assertDone(await runTool(backupArgs(source, '--target-dir', plain, ...args)));
      const named = (role: 'checkpoints' | 'info'): Buffer => {
        const found = readdirSync(plain).find((name) => acceptedNames[role].includes(name));
        return readFileSync(join(plain, found ?? ''));
      };
      const checkpoints = decodeCheckpoints(named('checkpoints'));
      assert.equal(checkpoints.backupType, 'incremental');
      assert.equal(checkpoints.fromLsn, BigInt(before?.toLsn ?? 0));
      assert.equal(validateCheckpoints(checkpoints), undefined);
      const { incremental, innodbFromLsn } = decodeInfo(named('info'));
      assert.deepEqual([incremental, innodbFromLsn], [true, checkpoints.fromLsn]);
      const { parentId, sinceLsn } = decodeBegin(readFileSync(join(plain, beginName)));
      assert.deepEqual([parentId, sinceLsn], [before?.backupId, before?.redoStart]);
    });

    it('may be taken on a backup by the stock tool, as long as that is not prepared', async () => {
      // That tool gives up at times where the log wraps.
      const options = ['--innodb-log-file-size=192M'];
      const source = await startServer({ name: 'source', product, options });
      const tables = await createSchema(source, { megabytes: 2 });
      const load = await startLoad(source, tables, { pauseMs: 100 });
      const dir = scratchDir('stock');
      const take = '"$1" --no-defaults --backup -u root -S "$2" --target-dir="$3/data"';
      const program = findProgram('mariadb-backup', product);
      assertDone(await runShell(take, program, source.socket, dir));
      await load.stop();
      await source.query('CREATE TABLE load_main.later AS SELECT * FROM load_main.r_dynamic');
      const args = [`--incremental-basedir=${join(dir, 'data')}`];
      const path = await backUp(source, ...args);
      const prepare =
        '"$1" --defaults-file="$2/data/backup-my.cnf" --prepare --target-dir="$2/data"';
      assertDone(await runShell(prepare, program, dir));
      const again = await runTool(backupArgs(source, '--target-dir', join(dir, 'no'), ...args));
      assert.match(assertFailed(again, 40, 'chain').message ?? '', /it is prepared/u);

      const add = `"$1" -x -C "$3" <"$4" && ${prepare.replaceAll('"$1"', '"$5"')} --incremental-dir="$3"`;
      const increment = scratchDir('increment');
      const stream = findProgram('mbstream', product);
      const archive = join(path, 'archive.xbs');
      assertDone(await runShell(add, stream, dir, increment, archive, program));
      await proveSame(source, join(dir, 'data'), { replay: false });
    });
  });
}
