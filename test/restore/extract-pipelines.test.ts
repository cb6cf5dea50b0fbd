// The commands as a user runs them: real processes, real pipes, exit statuses.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import { stageName } from '../../src/store/stage-name.ts';
import { chunksOf, flipped, writeArchive } from '../archive/support.ts';
import { openPipe, treeOf } from '../sink/support.ts';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { assertDone, runShell, runTool, startTool, toolEnd } from '../support/tool.ts';
import { packByMbstream, smallTree } from './extract-support.ts';

interface Piped {
  /** Of every process of the pipeline. */
  statuses: number[];
  /** Of the shell, with pipefail. */
  status: number | null;
  stderr: string;
}

/** Runs a pipeline; `$1` is the archive, `$2` the target, `$3` a number of bytes. */
async function pipeline(line: string, ...args: string[]): Promise<Piped> {
  const script = `${line}; saved=($? "\${PIPESTATUS[@]}"); echo "statuses: \${saved[*]}" >&2; exit "\${saved[0]}"`;
  const { status, stderr } = await runShell(script, ...args);
  const [, found = ''] = /^statuses: (.*)$/m.exec(stderr) ?? [];
  return { statuses: found.split(' ').slice(1).map(Number), status, stderr };
}

const mbstream = findProgram('mbstream');
const small: [string, string][] = [
  ['ibdata1', 'system'],
  ['xtrabackup_checkpoints', 'c'],
  ['xtrabackup_info', 'i'],
];

for (const maker of ['xbpipe', 'mbstream'] as const) {
  describe(`an archive of ${maker} in a pipe`, () => {
    let folder: string;
    let path: string;
    let archive: Uint8Array;
    let cuts: number[];
    let count = 0;
    const target = (): string => {
      count += 1;
      mkdirSync(join(folder, `${count}`));
      return join(folder, `${count}`);
    };

    before(async () => {
      folder = scratchDir('pipelines');
      path = join(folder, 'archive');
      archive = maker === 'xbpipe' ? await writeArchive(small) : packByMbstream(smallTree);
      writeFileSync(path, archive);
      cuts = chunksOf(archive).map(({ from }) => from);
    });

    it('is extracted whole, and passes the guard whole', async () => {
      const [ours, theirs] = [target(), target()];
      const extracted = await pipeline('cat "$1" | xbpipe extract -C "$2"', path, ours);
      assert.deepEqual([extracted.status, extracted.statuses], [0, [0, 0]], extracted.stderr);
      const line = 'cat "$1" | xbpipe guard | "$3" -x -C "$2"';
      const guarded = await pipeline(line, path, theirs, mbstream);
      assert.deepEqual([guarded.status, guarded.statuses], [0, [0, 0, 0]], guarded.stderr);
      assert.deepEqual(treeOf(ours), treeOf(theirs));
    });

    it('is not extracted when it is cut between two chunks, wherever that is', async () => {
      for (const cut of cuts) {
        const into = target();
        const line = 'head -c "$3" "$1" | xbpipe extract -C "$2"';
        const { status, statuses, stderr } = await pipeline(line, path, into, `${cut}`);
        assert.deepEqual([status, statuses], [30, [0, 30]], `cut at ${cut}: ${stderr}`);
        assert.match(stderr, /FAILED: the archive is not whole/);
        // What arrived may be all that there is to save; of nothing, nothing is kept.
        assert.deepEqual(readdirSync(into), cut === 0 ? [] : [stageName]);
      }
    });

    it('fails in the guard and in the extractor behind it, wherever it is cut', async () => {
      for (const cut of cuts) {
        const line = 'head -c "$3" "$1" | xbpipe guard | "$4" -x -C "$2"';
        const args = [path, target(), `${cut}`, mbstream];
        const { status, statuses, stderr } = await pipeline(line, ...args);
        const [head, guard, extractor] = statuses;
        assert.deepEqual([head, guard], [0, 30], `cut at ${cut}: ${stderr}`);
        assert.notEqual(extractor, 0, `cut at ${cut}`);
        assert.notEqual(status, 0);
      }
    });

    it('fails in the extractor alone without pipefail, which many scripts forget', async () => {
      const line = 'set +o pipefail; head -c "$3" "$1" | xbpipe guard | "$4" -x -C "$2"';
      const { status } = await pipeline(line, path, target(), `${cuts[2]}`, mbstream);
      assert.notEqual(status, 0);
    });

    it('fails in both when a byte of it is damaged', async () => {
      const damaged = join(folder, 'damaged');
      writeFileSync(damaged, flipped(archive, (cuts[1] ?? 0) - 1, 0));
      const line = 'cat "$1" | xbpipe guard | "$3" -x -C "$2"';
      const { statuses } = await pipeline(line, damaged, target(), mbstream);
      assert.equal(statuses[1], 31);
      assert.notEqual(statuses[2], 0);
      const extracted = await pipeline('xbpipe extract -C "$2" <"$1"', damaged, target());
      assert.equal(extracted.status, 31);
    });
  });
}

describe('extract and guard as processes', () => {
  const files = async (): Promise<{ folder: string; path: string; archive: Uint8Array }> => {
    const folder = scratchDir('process');
    const archive = await writeArchive(small);
    const path = join(folder, 'archive');
    writeFileSync(path, archive);
    return { folder, path, archive };
  };

  it('extract from a file, and do not extract a second time over it', async () => {
    const { folder, path } = await files();
    const args = ['extract', '--from', path, '-C', join(folder, 'out')];
    const first = assertDone(await runTool(args));
    assert.match(first.stderr, /4 files/);
    const second = await runTool(args);
    assert.equal(second.status, 20);
    assert.match(second.stderr, /exists; nothing is ever overwritten/);
  });

  it('refuse an unfinished extraction until it is removed', async () => {
    const { folder, path } = await files();
    const out = join(folder, 'out');
    await pipeline('head -c 700 "$1" | xbpipe extract -C "$2"', path, out);
    const { status, stderr } = await runTool(['extract', '--from', path, '-C', out]);
    assert.equal(status, 20);
    assert.match(stderr, /is there from an unfinished run/);
    assert.deepEqual(readdirSync(out), [stageName]);
  });

  it('refuse what is no backup, unless they are asked for any archive', async () => {
    const folder = scratchDir('any');
    const path = join(folder, 'plain');
    writeFileSync(path, packByMbstream({ a: 'x' }));
    const refused = await runTool(['extract', '--from', path, '-C', join(folder, 'no')]);
    assert.equal(refused.status, 30);
    assert.match(
      refused.stderr,
      /HINT: an archive that is no backup is extracted with --any-archive/,
    );
    const args = ['extract', '--any-archive', '--from', path, '-C', join(folder, 'yes')];
    assert.equal((await runTool(args)).status, 0);
    assert.deepEqual(treeOf(join(folder, 'yes')), { a: 'x' });
  });

  it('guard fails when the reader behind it goes away', async () => {
    const folder = scratchDir('gone');
    const path = join(folder, 'archive');
    // More than a pipe holds, so that it is written to when nobody reads any more.
    writeFileSync(path, await writeArchive([['ibdata1', 'x'.repeat(3_000_000)]]));
    const { statuses, stderr } = await pipeline('xbpipe guard <"$1" | head -c 1 >&2', path);
    assert.equal(statuses[0], 20, stderr);
    assert.match(stderr, /the reader of the pipe is gone/);
  });

  for (const [command, signal, status] of [
    ['guard', 'SIGTERM', 143],
    ['extract', 'SIGINT', 130],
  ] as const) {
    it(`${command} ends at ${signal} although the writer before it stalls`, async () => {
      const { archive } = await files();
      const out = scratchDir('stalled');
      const args = command === 'guard' ? ['guard'] : ['extract', '-v', '-C', out];
      const child = startTool(args, { stdin: 'pipe', stdout: 'pipe' });
      assert.ok(child.stdin && child.stdout && child.stderr);
      child.stdin.on('error', () => undefined);
      child.stdin.write(archive.subarray(0, 700));
      // It has taken what there is, and waits for more.
      await once(command === 'guard' ? child.stdout : child.stderr, 'readable');
      const passed = text(child.stdout);
      const end = toolEnd(child);
      child.kill(signal);
      assert.equal((await end).status, status);
      if (command === 'guard') assert.match(await passed, /this archive is not whole/);
      else assert.deepEqual(readdirSync(out), [stageName]);
    });
  }

  it('guard ends at SIGTERM although the reader behind it stalls, with a spoiled stream', async (t) => {
    const path = join(scratchDir('unread'), 'archive');
    writeFileSync(path, await writeArchive([['ibdata1', 'x'.repeat(3_000_000)]]));
    const pipe = openPipe(t);
    const archive = openSync(path, 'r');
    const child = startTool(['guard'], { stdin: archive, stdout: pipe.writer });
    closeSync(archive);
    // All that is ever read, and less than one write.
    while (pipe.read() === undefined) await new Promise(setImmediate);
    const end = toolEnd(child);
    child.kill('SIGTERM');
    const { status, stderr } = await end;
    assert.equal(status, 143, stderr);
    const left = Buffer.from(pipe.read() ?? []).toString();
    assert.match(left, /this archive is not whole/);
    assert.doesNotMatch(left, /xbpipe_end/);
  });

  it('guard ends at SIGTERM although the reader of its socket stalls, and sends no end', async () => {
    const path = join(scratchDir('unread'), 'archive');
    writeFileSync(path, await writeArchive([['ibdata1', 'x'.repeat(3_000_000)]]));
    const archive = openSync(path, 'r');
    const child = startTool(['guard'], { stdin: archive, stdout: 'pipe' });
    closeSync(archive);
    assert.ok(child.stdout);
    await once(child.stdout, 'readable');
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [143, null]);
    const passed = await text(child.stdout);
    assert.ok(passed.length < 3_000_000);
    assert.doesNotMatch(passed, /xbpipe_end/);
  });
});
