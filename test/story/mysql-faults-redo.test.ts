import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { crc32c } from '../../formats/crc.ts';
import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { createSchema, type Load, startLoad } from '../support/workload.ts';
import {
  assertFailed,
  assertServerFree,
  HeldBackup,
  namesIn,
  parseTold,
  assertNoArchive,
} from './faults-support.ts';
import {
  accountArgs,
  megabyte,
  product,
  startSource,
  untilRedo,
  untilWaits,
} from './mysql-faults-support.ts';
import { bringBack, proveSame } from './ways-back.ts';

/** The server has 8 MB of redo, and writers that fill them in a second. */
async function startBusy(): Promise<{ server: TestServer; load: Load }> {
  const server = await startSource();
  const tables = await createSchema(server, { megabytes: 3 });
  const load = await startLoad(server, tables, { writers: 2 });
  return { server, load };
}

/** Restores the archive, and compares after the source's binlog was replayed on it. */
async function proveRestorable(source: TestServer, archive: string): Promise<void> {
  const datadir = await bringBack(archive, 'xbpipe restore', product);
  await proveSame(source, datadir, { replay: true });
  await source.stop();
}

/** Waits until the server says that a consumer of the redo log holds up its writers. */
async function untilStalled(server: TestServer): Promise<void> {
  while (!(await server.errorLog()).includes('[MY-014084]')) await sleep(20);
}

/** Waits until the server knows of no session of the tool. */
async function untilNoSession(server: TestServer): Promise<void> {
  const sql = "SELECT 1 FROM performance_schema.processlist WHERE user = 'xbpipe'";
  while ((await server.query(sql)).length > 0) await sleep(20);
}

describe('redo that MySQL writes faster than it is taken', { skip: leftOut(product) }, () => {
  it('is lost when the tool stands still and is no consumer: status 11 at once, with a capacity that helps', async () => {
    const server = await startSource();
    const tables = await createSchema(server, { megabytes: 3 });
    const spool = scratchDir('spool');
    const held = await HeldBackup.start(
      accountArgs(server, '--no-register-redo-log-consumer', `--tmpdir=${spool}`),
    );
    await held.read(300_000);
    held.child.kill('SIGSTOP');
    const load = await startLoad(server, tables, { writers: 2 });
    await untilRedo(server, 20 * megabyte);
    held.child.kill('SIGCONT');
    const began = performance.now();
    // The reader still stalls, the load goes on: neither may keep the tool from its end.
    const { message, hint, where } = assertFailed(await held.ended, 11, 'overrun');
    assert.match(
      message ?? '',
      /^the server reused redo log files before they were copied: copied to LSN \d+, server at \d+, innodb_redo_log_capacity is 8388608 bytes$/u,
    );
    assert.match(where?.path ?? '', /#innodb_redo$/u);
    assert.ok(performance.now() - began < 20_000);
    const enough = Number(/innodb_redo_log_capacity to at least (\d+)M/u.exec(hint ?? '')?.[1]);
    assert.ok(enough >= 40 && enough < 2000, hint);
    assert.match(hint ?? '', /or let the backup register as redo log consumer/u);
    assert.equal(
      held.told.some(({ type }) => type === 'warning'),
      false,
    );
    await held.finish();
    await assertNoArchive(held);
    assert.deepEqual(namesIn(spool), []);
    await load.stop();
    await assertServerFree(server);
    await server.stop();
  });

  it('is kept for a consumer that stands still: writers wait for it, and the backup is restorable', async () => {
    const { server, load } = await startBusy();
    const held = await HeldBackup.start(accountArgs(server));
    await held.read(300_000);
    held.child.kill('SIGSTOP');
    await untilStalled(server);
    const done = load.statements();
    held.child.kill('SIGCONT');
    while (load.statements() < done + 50) await sleep(10);
    const [{ status, stderr }] = await Promise.all([held.finish(), load.stop()]);
    assert.equal(status, 0, stderr);
    await assertServerFree(server);
    await proveRestorable(server, held.archive);
  });

  it('stalls nobody for longer than the consumer’s session lives, when its process hangs for good', async () => {
    const { server, load } = await startBusy();
    const held = await HeldBackup.start(accountArgs(server));
    await held.read(300_000);
    held.child.kill('SIGSTOP');
    await untilStalled(server);
    // From here on the server waits for a word from the tool, and gives up after 20 seconds.
    const began = performance.now();
    await untilRedo(server, 12 * megabyte);
    assert.ok(performance.now() - began < 60_000);
    held.child.kill('SIGCONT');
    const { status, stderr } = await held.ended;
    assert.ok(status === 10 || status === 11, stderr);
    await load.stop();
    await assertServerFree(server);
    await server.stop();
  });

  it('is given up with the tool’s life: nobody waits after SIGKILL', async () => {
    const { server, load } = await startBusy();
    const held = await HeldBackup.start(accountArgs(server));
    await held.read(300_000);
    held.child.kill('SIGSTOP');
    await untilStalled(server);
    held.child.kill('SIGKILL');
    assert.equal((await held.ended).signal, 'SIGKILL');
    const began = performance.now();
    await untilNoSession(server);
    // The session's timeout had no part in that.
    assert.ok(performance.now() - began < 15_000);
    await untilRedo(server, 12 * megabyte);
    await assertServerFree(server);
    await load.stop();
    await server.stop();
  });
});

describe('two backups of MySQL at once', { skip: leftOut(product) }, () => {
  it('run side by side, and the second says that it is not the consumer', async () => {
    const server = await startSource();
    const tables = await createSchema(server, { megabytes: 3 });
    const load = await startLoad(server, tables, { writers: 1, pauseMs: 100 });
    const first = await HeldBackup.start(accountArgs(server));
    await first.read(300_000);
    const directory = join(scratchDir('target'), 'new');
    const second = assertDone(await runTool(accountArgs(server, `--target-dir=${directory}`)));
    const warnings = parseTold(second.stderr).filter(({ type }) => type === 'warning');
    assert.match(
      warnings[0]?.message ?? '',
      /^not registered as redo log consumer, .*: another consumer is registered$/u,
    );
    const { status, stderr } = await first.finish();
    assert.equal(status, 0, stderr);
    assert.equal(
      parseTold(stderr).some(({ type }) => type === 'warning'),
      false,
    );
    await load.stop();
    await assertServerFree(server);
    await proveRestorable(server, first.archive);
  });
});

/** A directory of data whose redo says that it is of another format. */
function withOtherFormat({ datadir }: TestServer): string {
  const copy = join(scratchDir('format'), 'data');
  execFileSync('cp', ['-r', datadir, copy]);
  const redo = join(copy, '#innodb_redo');
  for (const name of readdirSync(redo)) {
    const bytes = readFileSync(join(redo, name));
    bytes.writeUInt32BE(7, 0);
    bytes.writeUInt32BE(crc32c(bytes.subarray(0, 508)), 508);
    writeFileSync(join(redo, name), bytes);
  }
  return copy;
}

describe('a redo log of MySQL that no backup can be taken with', { skip: leftOut(product) }, () => {
  it('is refused for its format at once, with what is supported', async () => {
    const server = await startSource();
    const directory = join(scratchDir('target'), 'new');
    const result = await runTool(
      accountArgs(server, `--datadir=${withOtherFormat(server)}`, `--target-dir=${directory}`),
    );
    const { message, hint } = assertFailed(result, 1, 'failed');
    assert.match(message ?? '', /^redo log .*#innodb_redo: .*format.*7 is not supported; 6 is/u);
    assert.match(hint ?? '', /^supported: MySQL and Percona Server 8\.0\.30 and later/u);
    assert.doesNotMatch(result.stderr, /InnoDB files/u);
    assert.deepEqual(namesIn(directory), []);
    await assertServerFree(server);
    await server.stop();
  });

  it('is refused while it is disabled, and cannot be disabled during a backup', async () => {
    const server = await startSource();
    await createSchema(server, { megabytes: 3 });
    const directory = join(scratchDir('target'), 'new');
    await server.query('ALTER INSTANCE DISABLE INNODB REDO_LOG');
    const refused = await runTool(accountArgs(server, `--target-dir=${directory}`));
    const { message, hint } = assertFailed(refused, 1, 'failed');
    assert.equal(message, 'redo logging is disabled on the server');
    assert.match(hint ?? '', /^ALTER INSTANCE ENABLE INNODB REDO_LOG/u);
    assert.doesNotMatch(refused.stderr, /backup lock/u);
    assert.deepEqual(namesIn(directory), []);
    await server.query('ALTER INSTANCE ENABLE INNODB REDO_LOG');

    const held = await HeldBackup.start(accountArgs(server));
    await held.read(300_000);
    const session = await server.connect();
    const disabled = session.query('ALTER INSTANCE DISABLE INNODB REDO_LOG');
    await untilWaits(server, 'ALTER INSTANCE');
    const { status, stderr } = await held.finish();
    assert.equal(status, 0, stderr);
    await disabled;
    await server.query('ALTER INSTANCE ENABLE INNODB REDO_LOG');
    await session.end();
    await assertServerFree(server);
    await server.stop();
  });

  it('is refused while it has no checksums, and lost when they go during the backup', async () => {
    const server = await startSource();
    const tables = await createSchema(server, { megabytes: 3 });
    const directory = join(scratchDir('target'), 'new');
    await server.query('SET GLOBAL innodb_log_checksums = OFF');
    const refused = await runTool(accountArgs(server, `--target-dir=${directory}`));
    const { message, hint } = assertFailed(refused, 1, 'failed');
    assert.match(message ?? '', /^the redo log has no checksums/u);
    assert.equal(hint, 'SET GLOBAL innodb_log_checksums = ON');
    assert.deepEqual(namesIn(directory), []);
    await server.query('SET GLOBAL innodb_log_checksums = ON');
    await server.query('DO innodb_redo_log_sharp_checkpoint()');

    const held = await HeldBackup.start(accountArgs(server));
    await held.read(300_000);
    await server.query('SET GLOBAL innodb_log_checksums = OFF');
    const load = await startLoad(server, tables, { writers: 1 });
    assert.equal(
      assertFailed(await held.ended, 1, 'failed').message,
      'the redo log has no checksums',
    );
    await load.stop();
    await held.finish();
    await assertNoArchive(held);
    await assertServerFree(server);
    await server.stop();
  });
});
