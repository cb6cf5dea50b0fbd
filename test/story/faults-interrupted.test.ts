import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runShell, runTool, startTool, toolEnd, type ToolResult } from '../support/tool.ts';
import {
  HeldBackup,
  assertFailed,
  assertNoArchive,
  assertServerFree,
  backupArgs,
  holdLongWrite,
  lastWord,
  namesIn,
  untilWaitsForLock,
} from './faults-support.ts';

/** More than the copy threads' buffers, the pipe and what was read: nobody gets through unread. */
const rowsOfBigTables = 14_000;

/** A server with more data in InnoDB, and in MyISAM, than fits between the tool and its reader. */
async function bigServer(): Promise<TestServer> {
  const server = await startServer({
    name: 'source',
    options: ['--innodb-log-file-size=32M'],
  });
  await server.query('CREATE DATABASE d');
  for (const engine of ['InnoDB', 'MyISAM']) {
    await server.query(
      `CREATE TABLE d.big_${engine} (a INT PRIMARY KEY, b CHAR(200), c CHAR(200), d CHAR(200), ` +
        `e CHAR(200), f CHAR(200)) ENGINE=${engine} CHARACTER SET latin1 ` +
        `SELECT seq AS a, 'b' AS b FROM d.seq_1_to_${rowsOfBigTables}`,
    );
  }
  await server.query('CREATE TABLE d.slow (a INT) ENGINE=MyISAM');
  return server;
}

let server: TestServer;
before(async () => {
  server = await bigServer();
});

const stops = [
  ['SIGTERM', 143, 'terminated'],
  ['SIGINT', 130, 'interrupted'],
  ['SIGKILL', null, undefined],
] as const;

function assertStopped(result: ToolResult, [signal, status, code]: (typeof stops)[number]): void {
  if (status !== null) assertFailed(result, status, code);
  else assert.equal(result.signal, signal);
}

describe('a backup whose reader dies', () => {
  it('ends with status 20 and says so, and leaves no lock', async () => {
    const tool = ['--user=root', `--socket=${server.socket}`, '--no-defaults', '--json'];
    const result = await runShell('xbpipe backup "$@" | head -c 100000 >/dev/null', ...tool);
    const { message } = assertFailed(result, 20, 'storage');
    assert.match(
      message ?? '',
      /^standard output: the reader of the pipe is gone \(EPIPE in write/,
    );
    await assertServerFree(server);
  });

  it('ends so even when the reader stalls first, whatever stage it is in', async () => {
    const held = await HeldBackup.start(backupArgs(server));
    await held.readUntilTold(/other files/);
    await held.hangUp();
    assertFailed(await held.ended, 20, 'storage');
    await assertServerFree(server);
  });
});

describe('a backup that is stopped', () => {
  for (const stop of stops) {
    const [signal] = stop;

    it(`by ${signal} while it waits for its first lock`, async () => {
      const other = await server.connect();
      await other.query('LOCK TABLES d.slow WRITE');
      const held = await HeldBackup.start(backupArgs(server));
      await held.untilTold(({ message }) => message === 'waiting for the backup lock');
      await untilWaitsForLock(server);
      held.child.kill(signal);
      assertStopped(await held.ended, stop);
      await other.end();
      await assertServerFree(server);
      assert.equal(held.bytes, 0);
    });

    it(`by ${signal} while it copies and its reader stalls`, async () => {
      const held = await HeldBackup.start(backupArgs(server));
      await held.read(300_000);
      held.child.kill(signal);
      // It ends though nobody reads on.
      assertStopped(await held.ended, stop);
      await held.finish();
      await assertServerFree(server);
      await assertNoArchive(held);
    });

    it(`by ${signal} under BLOCK_DDL`, async () => {
      const held = await HeldBackup.start(backupArgs(server, '--parallel=1'));
      await held.readUntilTold(/other files/);
      assert.equal(await ddlIsBlocked(server), true);
      held.child.kill(signal);
      // It ends though nobody reads on.
      assertStopped(await held.ended, stop);
      await held.finish();
      await assertServerFree(server);
      await assertNoArchive(held);
    });

    // What SIGINT does to a directory is what SIGTERM does.
    for (const target of signal === 'SIGINT' ? [] : ['--target-dir', '--to']) {
      it(`by ${signal} while it waits for BLOCK_DDL, into ${target}`, async () => {
        const [directory, spool] = [join(scratchDir('target'), 'new'), scratchDir('tmp')];
        const letGo = await holdLongWrite(server, 'd.slow');
        const args = backupArgs(server, `${target}=${directory}`, `--tmpdir=${spool}`);
        const child = startTool(args);
        const ended = toolEnd(child);
        await untilWaitsForLock(server);
        child.kill(signal);
        assertStopped(await ended, stop);
        await letGo();
        await assertServerFree(server);
        assert.deepEqual(namesIn(spool), []);
        // Nobody can tidy up after SIGKILL; what is left has a name that says what it is.
        assert.deepEqual(namesIn(directory), signal === 'SIGKILL' ? ['xbpipe-partial'] : []);
        if (signal !== 'SIGKILL') return;
        const { message } = assertFailed(await runTool(args), 20, 'storage');
        assert.match(message ?? '', /xbpipe-partial is there from an unfinished run/);
      });
    }
  }

  it('twice, by an impatient user, is stopped all the same', async () => {
    const held = await HeldBackup.start(backupArgs(server));
    await held.read(300_000);
    held.child.kill('SIGINT');
    held.child.kill('SIGINT');
    const { status, signal } = await held.ended;
    assert.ok(status === 130 || signal === 'SIGINT', `${status} ${signal}`);
    await assertServerFree(server);
  });
});

describe('a backup whose server dies', () => {
  for (const [phase, until] of [
    ['copies', /copying \d+ InnoDB files/],
    ['holds BLOCK_DDL', /other files/],
  ] as const) {
    it(`while it ${phase} ends at once, even when its reader stalls, and says what happened`, async () => {
      const mortal = await bigServer();
      const held = await HeldBackup.start(backupArgs(mortal, '--parallel=1'));
      await held.readUntilTold(until);
      // More than the pipe holds: from here on the tool is stuck in a write.
      await held.read(held.bytes + 200_000);
      await mortal.kill();
      const began = performance.now();
      const result = await held.ended;
      const { message } = assertFailed(result, 10, 'access');
      assert.match(message ?? '', /^lost the server during /);
      // Nothing here takes seconds; a wait for the reader would take for ever.
      assert.ok(performance.now() - began < 20_000);
      await held.finish();
      await assertNoArchive(held);
    });
  }

  it('leaves an empty target directory', async () => {
    const mortal = await bigServer();
    const directory = join(scratchDir('target'), 'new');
    const letGo = await holdLongWrite(mortal, 'd.slow');
    const child = startTool(backupArgs(mortal, `--target-dir=${directory}`));
    const ended = toolEnd(child);
    await untilWaitsForLock(mortal);
    await mortal.kill();
    await letGo().catch(() => undefined);
    const result = await ended;
    assert.equal(result.status, 10, result.stderr);
    assert.match(lastWord(result).message ?? '', /^lost the server during /);
    assert.deepEqual(namesIn(directory), []);
  });
});

async function ddlIsBlocked(server: TestServer): Promise<boolean> {
  const session = await server.connect();
  await session.query('SET lock_wait_timeout = 0');
  const blocked = await session.query('CREATE TABLE d.other (a INT)').then(
    () => false,
    () => true,
  );
  await session.end();
  return blocked;
}
