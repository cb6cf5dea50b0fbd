import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { backupArgs, HeldBackup, parseTold } from './faults-support.ts';

const logBytes = 24 * 1024 * 1024;
const stepBytes = 256 * 1024;

/** Reads that much more; false when the backup ends before. */
async function takes(held: HeldBackup, bytes: number): Promise<boolean> {
  try {
    await held.read(held.bytes + bytes);
    return true;
  } catch {
    return false;
  }
}

/** A server that makes redo durable so many seconds later. */
async function startLateServer(seconds: number): Promise<TestServer> {
  const options = [
    '--innodb-flush-log-at-trx-commit=2',
    `--innodb-flush-log-at-timeout=${seconds}`,
  ];
  const server = await startServer({ name: 'late', options });
  return server;
}

describe('a server that makes redo durable late', () => {
  it('is backed up with word of how long commits may be held', async () => {
    const server = await startLateServer(2);
    const directory = join(scratchDir('target'), 'new');
    const { stderr } = assertDone(await runTool(backupArgs(server, `--target-dir=${directory}`)));
    const warnings = parseTold(stderr).filter(({ type }) => type === 'warning');
    assert.deepEqual(
      warnings.map(({ message }) => message),
      [
        'commits are held for up to 2 s: so long the server may wait to make redo durable ' +
          '(innodb_flush_log_at_trx_commit is not 1, innodb_flush_log_at_timeout)',
      ],
    );
    await server.stop();
  });
});

describe('a reader that stalls', () => {
  it('never holds commits, wherever in the backup it stands still', async () => {
    const server = await startServer({ name: 'source' });
    await server.query('CREATE DATABASE d');
    await server.query('CREATE TABLE d.t (a INT) ENGINE=InnoDB');
    // A log table of the server's own, far more of it than a pipe holds.
    const row = '"2026-11-21 00:00:00.000000","root","1","1","Query","x"\n';
    writeFileSync(
      join(server.datadir, 'mysql', 'general_log.CSV'),
      row.repeat(logBytes / row.length),
    );
    await server.query('SET SESSION lock_wait_timeout = 2');

    const held = await HeldBackup.start(backupArgs(server, '--parallel=1'));
    await held.readUntilTold(/other files/u);
    let commits = 0;
    // At every place the pipe is full and nobody reads, until there is less left than a step.
    while (await takes(held, stepBytes)) {
      await server.query('INSERT INTO d.t VALUES (1)');
      commits += 1;
    }
    const { status, stderr } = await held.finish();
    assert.match(stderr, /redo ends at/u);
    assert.equal(status, 0, stderr);
    assert.ok(commits > 20, `${commits} commits`);
    await server.stop();
  });
});
