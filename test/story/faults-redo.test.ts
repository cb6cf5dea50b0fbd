import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertSame, checkTables, readBinlogInfo, replayBinlog } from '../support/proof.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { createSchema, currentLsn, type Load, startLoad } from '../support/workload.ts';
import {
  HeldBackup,
  assertFailed,
  assertServerFree,
  backupArgs,
  namesIn,
} from './faults-support.ts';

const megabyte = 1024 * 1024;

/** Waits until the server has written this much more redo. */
async function untilRedo(server: TestServer, bytes: number): Promise<void> {
  const from = await currentLsn(server);
  while ((await currentLsn(server)) < from + bytes) await sleep(10);
}

/** Restores the archive, and compares after the source's binlog was replayed on it. */
async function proveRestorable(source: TestServer, archive: string): Promise<void> {
  const datadir = join(scratchDir('restored'), 'data');
  assertDone(
    await runTool(['restore', '--no-defaults', `--from=${archive}`, `--datadir=${datadir}`]),
  );
  const target = await startServer({ name: 'target', datadir });
  assert.deepEqual(await checkTables(target), []);
  await replayBinlog(source, target, await readBinlogInfo(datadir));
  await assertSame(source, target);
  await Promise.all([source.stop(), target.stop()]);
}

describe('redo that the server writes faster than it is taken', () => {
  it('waits in the spool while the reader stalls, and the backup is restorable when it goes on', async (t) => {
    const server = await startServer({ name: 'source', options: ['--innodb-log-file-size=16M'] });
    const tables = await createSchema(server, { megabytes: 4 });
    const load = await startLoad(server, tables, { writers: 2, pauseMs: 5 });
    const spool = scratchDir('spool');
    const held = await HeldBackup.start(backupArgs(server, `--tmpdir=${spool}`));
    await held.read(300_000);
    // More than the whole log goes by, and more than the queue holds in memory.
    await untilRedo(server, 24 * megabyte);
    await held.untilTold(({ redoHeadRoom }) => (redoHeadRoom?.spilledBytes ?? 0) > megabyte);
    assert.deepEqual(namesIn(spool), []);
    const { spilledBytes = 0 } = held.told.at(-1)?.redoHeadRoom ?? {};
    const [{ status, stderr }, { redoBytes }] = await Promise.all([held.finish(), load.stop()]);
    assert.equal(status, 0, stderr);
    t.diagnostic(`${spilledBytes} bytes were spooled, ${redoBytes} written`);
    await assertServerFree(server);
    await proveRestorable(server, held.archive);
  });

  it('is lost when the tool itself stands still: status 11 at once, with a log size that helps', async () => {
    const server = await startServer({ name: 'source' });
    const tables = await createSchema(server, { megabytes: 4 });
    const held = await HeldBackup.start(backupArgs(server));
    await held.read(300_000);
    held.child.kill('SIGSTOP');
    const load = await startLoad(server, tables);
    await untilRedo(server, 25 * megabyte);
    held.child.kill('SIGCONT');
    const began = performance.now();
    // The reader still stalls, the load goes on: neither may keep the tool from its end.
    const { message, hint } = assertFailed(await held.ended, 11, 'overrun');
    assert.match(
      message ?? '',
      /^the server overwrote redo before it was copied: copied to LSN \d+/,
    );
    assert.ok(performance.now() - began < 20_000);
    const enough = Number(/innodb_log_file_size to at least (\d+)M/.exec(hint ?? '')?.[1]);
    assert.ok(enough >= 50 && enough < 2000, hint);
    await load.stop();
    await assertServerFree(server);
    await server.stop();
  });
});

describe('a redo log that is resized while a backup runs', () => {
  it('is followed to its new file and back, and the backup is restorable', async () => {
    const server = await startServer({
      name: 'source',
      options: ['--innodb-log-file-size=12M', '--innodb-log-buffer-size=2M'],
    });
    const tables = await createSchema(server, { megabytes: 4 });
    const load = await startLoad(server, tables, { writers: 2, pauseMs: 30 });
    const held = await HeldBackup.start(backupArgs(server, '--parallel=1'));
    await held.read(300_000);
    for (const size of [30, 8]) {
      await resize(server, load, size * megabyte);
      const capacity = size * megabyte - 12_288;
      await held.untilTold(({ redoHeadRoom }) => redoHeadRoom?.capacity === capacity);
    }
    const { status, stderr } = await held.finish();
    assert.equal(status, 0, stderr);
    await load.stop();
    await proveRestorable(server, held.archive);
  });
});

/** Sets the log's size and waits until the new file is in place; the load brings the checkpoint on. */
async function resize(server: TestServer, load: Load, bytes: number): Promise<void> {
  await server.query(`SET GLOBAL innodb_log_file_size=${bytes}`);
  const begun = load.statements();
  while (load.statements() < begun + 20) await sleep(5);
}
