// Settings of the server that shape its files or what a backup must do at its end.

import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { serverWithKeyring } from '../support/keyring.ts';
import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { answerLate } from '../support/slow-answer.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { createSchema, type LoadTable, startLoad } from '../support/workload.ts';
import { assertFailed, backupArgs } from './faults-support.ts';
import { type HeldBackup, innodbBytes, startHeldBackup, stateBefore } from './held-backup.ts';
import { megabyte, untilRedo } from './mysql-faults-support.ts';
import {
  assertGtidsOfBackup,
  product,
  startDdlStatement,
  untilRedoIsRecycled,
  untilStatements,
  withKeys,
} from './mysql-source.ts';
import { proveWaysBack } from './ways-back.ts';

/** A replay then begins at the very position. */
const withoutGtids = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

/** What the restored server needs besides. */
interface Back {
  serverOptions?: readonly string[];
  program?: () => Promise<string>;
}

const ways = ['xbpipe restore'] as const;

async function hold(t: TestContext, source: TestServer): Promise<HeldBackup> {
  return await startHeldBackup(t, source, await innodbBytes(source, 500_000));
}

async function finished(backup: HeldBackup): Promise<string> {
  const { status, stderr } = await backup.finish();
  assert.equal(status, 0, stderr);
  return stderr;
}

/** A schema that no backup has to lock tables for. */
async function createInnodbSchema(source: TestServer): Promise<LoadTable[]> {
  const tables = await createSchema(source, { megabytes: 1 });
  const others = tables.filter(({ transactional }) => !transactional).map(({ name }) => name);
  const parts = ['load_main.merged_1', 'load_main.merged_2'];
  await source.query(`DROP TABLE ${[...others, ...parts].join(', ')}`);
  return tables.filter(({ transactional }) => transactional);
}

/** A backup under load, and the proof that nothing but its binlog from there on is missing. */
async function proveUnderLoad(
  t: TestContext,
  source: TestServer,
  tables: LoadTable[],
  back: Back = {},
): Promise<void> {
  const load = await startLoad(source, tables, { open: 1, prepared: 1 });
  const backup = await hold(t, source);
  await untilStatements(load, 100);
  await finished(backup);
  await untilStatements(load, 50);
  await load.stop();
  await proveWaysBack(t, source, backup.archive, { replay: true, ways, ...back });
}

/** A backup that the load ends before, and the proof that nothing is missing. */
async function proveAtRest(
  t: TestContext,
  source: TestServer,
  tables: LoadTable[],
  back: Back = {},
): Promise<void> {
  const load = await startLoad(source, tables, { prepared: 1 });
  const backup = await hold(t, source);
  await untilStatements(load, 100);
  await load.stop();
  await finished(backup);
  await proveWaysBack(t, source, backup.archive, { replay: false, ways, ...back });
}

describe('a full backup of MySQL', { skip: leftOut(product) }, () => {
  for (const pageSize of ['4k', '64k']) {
    it(`comes back with pages of ${pageSize}`, async (t) => {
      // Row formats that such pages do not have become others.
      const options = [`--innodb-page-size=${pageSize}`, '--innodb-strict-mode=OFF'];
      const source = await startServer({ name: 'source', product, options });
      const tables = await createSchema(source, { megabytes: 1, without: /COMPRESSION/u });
      await proveUnderLoad(t, source, tables, { serverOptions: options });
    });
  }

  it('comes back with redo, undo, dictionary and binlog encrypted, exactly as it was at its position', async (t) => {
    const encrypted = ['--innodb-redo-log-encrypt=ON', '--innodb-undo-log-encrypt=ON'];
    const options = [...withoutGtids, ...encrypted];
    const keys = join(scratchDir('keys'), 'keyring');
    const source = await startServer({
      name: 'source',
      product,
      options,
      program: await serverWithKeyring(product, keys),
    });
    await source.query("ALTER TABLESPACE mysql ENCRYPTION = 'Y'");
    const tables = await createSchema(source, { megabytes: 1, encrypted: true });
    const back = { program: withKeys(keys), serverOptions: options };
    await proveUnderLoad(t, source, tables, back);
    // Only a server that has the keys could read it for a replay.
    await source.query('SET GLOBAL binlog_encryption = ON');
    await proveAtRest(t, source, tables, back);
  });

  it('needs no lock on tables, GTIDs or a redo log of one size where all is InnoDB', async (t) => {
    const source = await startServer({ name: 'source', product, options: withoutGtids });
    const innodb = await createInnodbSchema(source);
    const load = await startLoad(source, innodb, { open: 1, prepared: 1 });
    const backup = await hold(t, source);
    const ddlStatement = await startDdlStatement(source);
    assert.ok(await stateBefore(ddlStatement.end, ddlStatement.waits));
    for (const megabytes of [12, 8]) {
      await source.query(`SET GLOBAL innodb_redo_log_capacity = ${megabytes * 1024 ** 2}`);
      await untilStatements(load, 50);
    }
    await untilRedoIsRecycled(source);
    assert.ok(await ddlStatement.waits());
    assert.doesNotMatch(await finished(backup), /FLUSH TABLES WITH READ LOCK/u);
    await ddlStatement.end;
    await untilStatements(load, 50);
    await load.stop();
    await proveWaysBack(t, source, backup.archive, {
      replay: true,
      ways,
      serverOptions: withoutGtids,
    });
  });

  it('ends at its position although the redo behind it was copied before it was known', async (t) => {
    const source = await startServer({ name: 'source', product });
    const load = await startLoad(source, await createInnodbSchema(source));
    const status = /Innodb\\_redo\\_log/u;
    const { socket } = await answerLate(
      source,
      /storage_engines FROM performance_schema.log_status$/u,
      async (slow) => {
        await untilRedo(source, megabyte);
        // The redo thread asks before each turn: with the second of them it has copied that.
        const asked = slow.count(status);
        while (slow.count(status) < asked + 2) await sleep(5);
      },
    );
    const archive = join(scratchDir('late'), 'archive');
    const args = backupArgs(source, `--socket=${socket}`, '--ssl-mode=DISABLED');
    assertDone(await runTool(args, { stdout: openSync(archive, 'wx') }));
    await untilStatements(load, 50);
    await load.stop();
    await proveWaysBack(t, source, archive, { replay: true, ways, atFirst: assertGtidsOfBackup });
  });

  it('comes back from a server without a binlog that has its files in many places', async (t) => {
    const options = ['--skip-log-bin'];
    const places = ['data-home-dir', 'undo-directory', 'log-group-home-dir', 'doublewrite-dir'];
    const source = await startServer({
      name: 'source',
      product,
      options: [...options, ...places.map((place) => `--innodb-${place}=${scratchDir(place)}`)],
    });
    const tables = await createSchema(source, { megabytes: 1 });
    // The server does not say where it is until it starts again.
    await source.query("CREATE UNDO TABLESPACE newest ADD DATAFILE 'newest.ibu'");
    await proveAtRest(t, source, tables, { serverOptions: options });
  });

  it('is refused when the redo log is encrypted in the middle of it', async (t) => {
    const keys = join(scratchDir('keys'), 'keyring');
    const source = await startServer({
      name: 'source',
      product,
      program: await serverWithKeyring(product, keys),
    });
    await source.query('CREATE DATABASE d');
    await source.query('CREATE TABLE d.t (a INT)');
    const backup = await startHeldBackup(t, source, 1_000_000, ['--json']);
    await source.query('SET GLOBAL innodb_redo_log_encrypt = ON');
    await source.query('INSERT INTO d.t VALUES (1)');
    const last = assertFailed(await backup.finish(), 1, 'failed');
    assert.match(last.message ?? '', /^the redo log was encrypted during the backup$/u);
    assert.match(last.hint ?? '', /innodb_redo_log_encrypt/u);
  });
});
