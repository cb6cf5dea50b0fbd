import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { dialectOf } from '../support/dialect.ts';
import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { runShell, startTool, toolEnd, type ToolResult } from '../support/tool.ts';
import {
  assertFailed,
  assertServerFree,
  HeldBackup,
  holdLongWrite,
  lastWord,
  namesIn,
  assertNoArchive,
} from './faults-support.ts';
import { innodbBytes } from './held-backup.ts';
import {
  accountArgs,
  holdDdl,
  isHeldOff,
  product,
  startSource,
  untilWaits,
} from './mysql-faults-support.ts';

/** More than the copy threads' buffers, the pipe and what was read: nobody gets through unread. */
const rowsOfBigTables = 14_000;

/** A server with more data in InnoDB, and in MyISAM, than fits between the tool and its reader. */
async function bigServer(): Promise<TestServer> {
  const server = await startSource(['--innodb-redo-log-capacity=64M']);
  await server.query('CREATE DATABASE d');
  for (const engine of ['InnoDB', 'MyISAM']) {
    await server.query(
      `CREATE TABLE d.big_${engine} (a INT PRIMARY KEY, b CHAR(200) DEFAULT 'b', c CHAR(200), ` +
        `d CHAR(200), e CHAR(200), f CHAR(200)) ENGINE=${engine} CHARACTER SET latin1 ` +
        'ROW_FORMAT=DYNAMIC',
    );
    await server.query(
      `INSERT INTO d.big_${engine} SELECT seq, 'b', 'c', REPEAT('d', 200), REPEAT('e', 200), ` +
        `REPEAT('f', 200) FROM ${dialectOf(server).numbers(rowsOfBigTables, 'd')}`,
    );
  }
  await server.query('CREATE TABLE d.slow (a INT) ENGINE=MyISAM');
  await server.query('CREATE TABLE d.changed (a INT)');
  await server.query('CREATE TABLE d.commits (a INT)');
  return server;
}

const stops = [
  ['SIGTERM', 143, 'terminated'],
  ['SIGINT', 130, 'interrupted'],
  ['SIGKILL', null, undefined],
] as const;

function assertStopped(result: ToolResult, [signal, status, code]: (typeof stops)[number]): void {
  if (status !== null) assertFailed(result, status, code);
  else assert.equal(result.signal, signal);
}

/** A backup that is in the middle of the other files, with every commit held off. */
async function holdInOthers(server: TestServer): Promise<HeldBackup> {
  const held = await HeldBackup.start(accountArgs(server, '--parallel=1'));
  await held.read(Math.floor(0.9 * (await innodbBytes(server, 0))));
  await held.readUntilTold(/copying \d+ other files/u);
  assert.equal(await isHeldOff(server, 'INSERT INTO d.commits VALUES (1)'), true);
  return held;
}

describe('a backup of MySQL whose reader dies', { skip: leftOut(product) }, () => {
  let server: TestServer;
  before(async () => {
    server = await bigServer();
  });

  it('ends with status 20 and says so, and leaves neither lock nor consumer', async () => {
    const script = 'xbpipe "$@" | head -c 100000 >/dev/null';
    const result = await runShell(script, ...accountArgs(server));
    const { message } = assertFailed(result, 20, 'storage');
    assert.match(
      message ?? '',
      /^standard output: the reader of the pipe is gone \(EPIPE in write/u,
    );
    await assertServerFree(server);
  });

  it('ends so even when the reader stalls first, while every commit is held off', async () => {
    const held = await holdInOthers(server);
    await held.hangUp();
    assertFailed(await held.ended, 20, 'storage');
    await assertServerFree(server);
  });

  it('ends when the redo that waits for the reader finds no room', async () => {
    const spool = scratchDir('spool');
    const load = startWriting(server);
    // The reader takes a little and then nothing until the tool is gone; no file may grow to 1 MB.
    const script = `
      dir=$1; shift; mkfifo "$dir/wait"
      { (ulimit -f 1000; xbpipe "$@" "--tmpdir=$dir"); failed=$?; echo >"$dir/wait"; exit $failed; } |
        { head -c 1000 >/dev/null; read -r _ <"$dir/wait"; rm "$dir/wait"; }`;
    const result = await runShell(script, spool, ...accountArgs(server));
    await load.stop();
    const { message } = assertFailed(result, 20, 'storage');
    assert.match(message ?? '', /\(redo spool\): .*EFBIG/u);
    assert.deepEqual(namesIn(spool), []);
    await assertServerFree(server);
  });
});

/** A session that writes redo until it is stopped. */
function startWriting(server: TestServer): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    const session = await server.connect();
    for (let n = 0; !stopping.signal.aborted; n++) {
      await session.query('UPDATE d.big_InnoDB SET b = ? WHERE a < 500', [`b${n}`]);
    }
    await session.end();
  };
  const end = run();
  return {
    stop: async () => {
      stopping.abort();
      await end;
    },
  };
}

describe('a backup of MySQL that is stopped', { skip: leftOut(product) }, () => {
  let server: TestServer;
  before(async () => {
    server = await bigServer();
  });

  for (const stop of stops) {
    const [signal] = stop;

    it(`by ${signal} while it waits for its first lock`, async () => {
      const letGo = await holdDdl(server, 'd.changed');
      const held = await HeldBackup.start(accountArgs(server));
      await held.untilTold(({ message }) => message === 'waiting for the backup lock');
      await untilWaits(server, 'LOCK INSTANCE');
      held.child.kill(signal);
      assertStopped(await held.ended, stop);
      await letGo();
      await assertServerFree(server);
      assert.equal(held.bytes, 0);
    });

    it(`by ${signal} while it copies and its reader stalls`, async () => {
      const held = await HeldBackup.start(accountArgs(server));
      await held.read(300_000);
      assert.equal(await isHeldOff(server, 'CREATE DATABASE other'), true);
      held.child.kill(signal);
      // It ends though nobody reads on.
      assertStopped(await held.ended, stop);
      await held.finish();
      await assertServerFree(server);
      await assertNoArchive(held);
    });

    it(`by ${signal} while it holds every commit off`, async () => {
      const held = await holdInOthers(server);
      held.child.kill(signal);
      assertStopped(await held.ended, stop);
      await held.finish();
      await assertServerFree(server);
      await assertNoArchive(held);
    });

    // What SIGINT does to a directory is what SIGTERM does.
    for (const target of signal === 'SIGINT' ? [] : ['--target-dir', '--to']) {
      it(`by ${signal} while it waits for its second lock, into ${target}`, async () => {
        const [directory, spool] = [join(scratchDir('target'), 'new'), scratchDir('tmp')];
        const letGo = await holdLongWrite(server, 'd.slow');
        const args = accountArgs(server, `${target}=${directory}`, `--tmpdir=${spool}`);
        const child = startTool(args);
        const ended = toolEnd(child);
        await untilWaits(server, 'FLUSH');
        child.kill(signal);
        assertStopped(await ended, stop);
        await letGo();
        await assertServerFree(server);
        assert.deepEqual(namesIn(spool), []);
        // Nobody can tidy up after SIGKILL; what is left has a name that says what it is.
        assert.deepEqual(namesIn(directory), signal === 'SIGKILL' ? ['xbpipe-partial'] : []);
      });
    }
  }
});

describe('a backup of MySQL whose server dies', { skip: leftOut(product) }, () => {
  const holdInCopy = async (mortal: TestServer): Promise<HeldBackup> => {
    const held = await HeldBackup.start(accountArgs(mortal));
    await held.read(300_000);
    return held;
  };

  for (const [phase, hold] of [
    ['copies', holdInCopy],
    ['holds every commit off', holdInOthers],
  ] as const) {
    it(`while it ${phase} ends at once, even when its reader stalls, and says what happened`, async () => {
      const mortal = await bigServer();
      const held = await hold(mortal);
      // More than the pipe holds: from here on the tool is stuck in a write.
      await held.read(held.bytes + 200_000);
      await mortal.kill();
      const began = performance.now();
      const { message } = assertFailed(await held.ended, 10, 'access');
      assert.match(message ?? '', /^lost the server during /u);
      // Nothing here takes seconds; a wait for the reader would take for ever.
      assert.ok(performance.now() - began < 20_000);
      await held.finish();
      await assertNoArchive(held);
    });
  }

  it('while it waits for a lock leaves an empty target directory', async () => {
    const mortal = await bigServer();
    const directory = join(scratchDir('target'), 'new');
    const letGo = await holdLongWrite(mortal, 'd.slow');
    const child = startTool(accountArgs(mortal, `--target-dir=${directory}`));
    const ended = toolEnd(child);
    await untilWaits(mortal, 'FLUSH');
    await mortal.kill();
    await letGo().catch(() => undefined);
    const result = await ended;
    assert.equal(result.status, 10, result.stderr);
    assert.match(lastWord(result).message ?? '', /^lost the server during /u);
    assert.deepEqual(namesIn(directory), []);
  });
});
