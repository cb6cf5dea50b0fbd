import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { runShell, runTool, startTool, toolEnd, type ToolResult } from '../support/tool.ts';
import {
  HeldBackup,
  assertFailed,
  assertNoArchive,
  assertServerFree,
  holdLongWrite,
  lastWord,
  namesIn,
} from './faults-support.ts';
import { type Interruption, interruptions } from './interruptions.ts';

const stops = [
  ['SIGTERM', 143, 'terminated'],
  ['SIGINT', 130, 'interrupted'],
  ['SIGKILL', null, undefined],
] as const;
type Stop = (typeof stops)[number];

function assertStopped(result: ToolResult, [signal, status, code]: Stop): void {
  if (status !== null) assertFailed(result, status, code);
  else assert.equal(result.signal, signal);
}

/** What a backup into a pipe that nobody reads on must leave. */
async function assertNothingLeft(held: HeldBackup, server: TestServer): Promise<void> {
  await held.finish();
  await assertServerFree(server);
  await assertNoArchive(held);
}

/** MySQL lets a wait whose client was killed go on for half a minute. */
async function assertWritersGo(server: TestServer): Promise<void> {
  const session = await server.connect();
  await session.query('SET lock_wait_timeout = 60');
  await session.query('INSERT INTO d.commits VALUES (1)');
  await session.end();
}

function whoseReaderDies(interruption: Interruption): void {
  let server: TestServer;
  before(async () => {
    server = await interruption.start();
  });

  it('ends with status 20 and says so, and leaves no lock', async () => {
    const script = 'xbpipe "$@" | head -c 100000 >/dev/null';
    const result = await runShell(script, ...interruption.args(server));
    const { message } = assertFailed(result, 20, 'storage');
    assert.match(
      message ?? '',
      /^standard output: the reader of the pipe is gone \(EPIPE in write/,
    );
    await assertServerFree(server);
  });

  it('ends so even when the reader stalls first, under the second lock', async () => {
    const held = await interruption.holdInOthers(server);
    await held.hangUp();
    assertFailed(await held.ended, 20, 'storage');
    await assertServerFree(server);
  });
}

function thatIsStopped(interruption: Interruption): void {
  let server: TestServer;
  before(async () => {
    server = await interruption.start();
  });

  for (const stop of stops) {
    const [signal] = stop;

    it(`by ${signal} while it waits for its first lock`, async () => {
      const letGo = await interruption.holdFirstLock(server);
      const held = await HeldBackup.start(interruption.args(server));
      await held.untilTold(({ message }) => message === 'waiting for the backup lock');
      await interruption.untilWaits(server, 'first');
      held.child.kill(signal);
      assertStopped(await held.ended, stop);
      await letGo();
      await assertServerFree(server);
      assert.equal(held.bytes, 0);
    });

    for (const [where, hold] of [
      ['while it copies', interruption.holdInCopy],
      ['under its second lock', interruption.holdInOthers],
    ] as const) {
      it(`by ${signal} ${where} and its reader stalls`, async () => {
        const held = await hold(server);
        held.child.kill(signal);
        // It ends though nobody reads on.
        assertStopped(await held.ended, stop);
        await assertNothingLeft(held, server);
      });
    }

    // What SIGINT does to a directory is what SIGTERM does.
    for (const target of signal === 'SIGINT' ? [] : ['--target-dir', '--to']) {
      it(`by ${signal} while it waits for its second lock, into ${target}`, async () => {
        const [directory, spool] = [join(scratchDir('target'), 'new'), scratchDir('tmp')];
        const letGo = await holdLongWrite(server, 'd.slow');
        const args = interruption.args(server, `${target}=${directory}`, `--tmpdir=${spool}`);
        const child = startTool(args);
        const ended = toolEnd(child);
        await interruption.untilWaits(server, 'second');
        child.kill(signal);
        assertStopped(await ended, stop);
        // What it waited for goes on; nobody may wait behind it.
        await assertWritersGo(server);
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
    const held = await interruption.holdInCopy(server);
    held.child.kill('SIGINT');
    held.child.kill('SIGINT');
    const { status, signal } = await held.ended;
    assert.ok(status === 130 || signal === 'SIGINT', `${status} ${signal}`);
    await assertServerFree(server);
  });
}

function whoseServerDies(interruption: Interruption): void {
  for (const [where, hold] of [
    ['while it copies', interruption.holdInCopy],
    ['under its second lock', interruption.holdInOthers],
  ] as const) {
    it(`${where} ends at once, even when its reader stalls, and says what happened`, async () => {
      const mortal = await interruption.start();
      const held = await hold(mortal);
      // More than the pipe holds: from here on the tool is stuck in a write.
      await held.read(held.bytes + 200_000);
      await mortal.kill();
      const began = performance.now();
      const { message } = assertFailed(await held.ended, 10, 'access');
      assert.match(message ?? '', /^lost the server during /);
      // Nothing here takes seconds; a wait for the reader would take for ever.
      assert.ok(performance.now() - began < 20_000);
      await held.finish();
      await assertNoArchive(held);
    });
  }

  it('while it waits for a lock leaves an empty target directory', async () => {
    const mortal = await interruption.start();
    const directory = join(scratchDir('target'), 'new');
    const letGo = await holdLongWrite(mortal, 'd.slow');
    const child = startTool(interruption.args(mortal, `--target-dir=${directory}`));
    const ended = toolEnd(child);
    await interruption.untilWaits(mortal, 'second');
    await mortal.kill();
    await letGo().catch(() => undefined);
    const result = await ended;
    assert.equal(result.status, 10, result.stderr);
    assert.match(lastWord(result).message ?? '', /^lost the server during /);
    assert.deepEqual(namesIn(directory), []);
  });
}

for (const product of ['mariadb-10.11', 'mysql-9.7'] as const) {
  const options = { skip: leftOut(product) };
  for (const [what, tests] of [
    ['whose reader dies', whoseReaderDies],
    ['that is stopped', thatIsStopped],
    ['whose server dies', whoseServerDies],
  ] as const) {
    describe(`a backup of ${product} ${what}`, options, () => {
      tests(interruptions[product]);
    });
  }
}
