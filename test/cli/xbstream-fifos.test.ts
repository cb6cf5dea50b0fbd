import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { runXbstream, type XbstreamResult } from './run-xbstream.ts';

/** An archive of mbstream's with these files. */
function archiveOf(files: Record<string, string>): Buffer {
  const dir = scratchDir('files');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return execFileSync(findProgram('mbstream'), ['-c', ...Object.keys(files)], { cwd: dir });
}

const makePipe = (dir: string, at: number): string => {
  const path = join(dir, `thread_${at}`);
  execFileSync('mkfifo', [path]);
  return path;
};

/** Fills a pipe; whether the reader takes it all is the reader's matter. */
async function write(path: string, bytes: Uint8Array): Promise<void> {
  await finished(createWriteStream(path).end(bytes)).catch(() => undefined);
}

interface Run extends XbstreamResult {
  out: string;
  /** What is left where the pipes were. */
  left: string[];
}

/** Extracts what `fill` puts into the pipes of a new folder. */
async function extractFrom(
  count: number,
  fill: (dir: string) => Promise<unknown>,
  ...args: string[]
): Promise<Run> {
  const [dir, out] = [scratchDir('pipes'), scratchDir('out')];
  const options = [`--fifo-streams=${count}`, `--fifo-dir=${dir}`, ...args];
  const [result] = await Promise.all([runXbstream(['-x', '-C', out, ...options]), fill(dir)]);
  return { ...result, out, left: readdirSync(dir) };
}

const big = 'x'.repeat(300_000);
const archives = (): Buffer[] => [
  archiveOf({ 'db/one': big, two: '2' }),
  archiveOf({ 'db/three': '3' }),
  archiveOf({ four: big, 'db/five': '' }),
];

describe('xbstream -x --fifo-streams', () => {
  it('takes the files of all pipes and removes the pipes', async () => {
    const { status, stderr, out, left } = await extractFrom(3, async (dir) => {
      await Promise.all(
        archives().map(async (bytes, at) => {
          await write(makePipe(dir, at), bytes);
        }),
      );
    });
    assert.equal(status, 0, stderr);
    assert.equal(readFileSync(join(out, 'db/one'), 'utf8'), big);
    assert.equal(readFileSync(join(out, 'four'), 'utf8'), big);
    assert.deepEqual(readdirSync(join(out, 'db')).toSorted(), ['five', 'one', 'three']);
    assert.deepEqual(left, []);
  });

  it('fails when one of them is cut or damaged, and shows nothing', async () => {
    const [first, second, third] = archives();
    assert.ok(first && second && third);
    const flipped = Buffer.from(first);
    flipped[100] = 0;
    for (const [bytes, wanted, message] of [
      [first.subarray(0, -17), 30, /ends while two is open/u],
      [flipped, 31, /crc/u],
      [third.subarray(0, 100_000), 30, /stops at byte 100000/u],
    ] as const) {
      const { status, stderr, out, left } = await extractFrom(2, async (dir) => {
        const paths = [makePipe(dir, 0), makePipe(dir, 1)];
        await Promise.all([write(paths[0] ?? '', second), write(paths[1] ?? '', bytes)]);
      });
      assert.equal(status, wanted, stderr);
      assert.match(stderr, message);
      assert.ok(readdirSync(out).every((name) => name === 'xbpipe-partial'));
      assert.deepEqual(left, []);
    }
  });

  it('fails at a file that comes through two pipes', async () => {
    const { status, stderr } = await extractFrom(2, async (dir) => {
      const paths = [makePipe(dir, 0), makePipe(dir, 1)];
      await Promise.all(paths.map((path) => write(path, archiveOf({ one: '1' }))));
    });
    assert.equal(status, 20);
    assert.match(stderr, /one: it exists already/u);
  });

  it('ends at a failure though the writer of another pipe goes on', async () => {
    const { status, stderr } = await extractFrom(2, async (dir) => {
      const [good, bad] = [createWriteStream(makePipe(dir, 0)), makePipe(dir, 1)];
      // Open for ever.
      good.on('error', () => undefined).write(archives()[0]);
      await write(bad, Buffer.from('this is no archive'));
    });
    assert.equal(status, 31, stderr);
  });

  it('fails when a pipe is not there in time, has no writer, or is a file', async () => {
    const nothing = await extractFrom(2, async () => {}, '--fifo-timeout=1');
    assert.equal(nothing.status, 20);
    assert.match(nothing.stderr, /pipe .*thread_\d is not there after 1 s/u);
    const silent = await extractFrom(
      2,
      (dir) => {
        for (const at of [0, 1]) makePipe(dir, at);
        return Promise.resolve();
      },
      '--fifo-timeout=1',
    );
    assert.equal(silent.status, 20);
    assert.match(silent.stderr, /thread_\d has no writer after 1 s/u);
    const file = await extractFrom(2, (dir) => {
      writeFileSync(join(dir, 'thread_1'), 'mine');
      return Promise.resolve();
    });
    assert.equal(file.status, 20);
    assert.match(file.stderr, /thread_1 is not a named pipe/u);
    assert.deepEqual(file.left, ['thread_1']);
  });

  it('reads standard input when there is one stream', async () => {
    const out = scratchDir('out');
    const args = ['-x', '-C', out, '--fifo-streams=1', '--fifo-dir=/nowhere'];
    const { status, stderr } = await runXbstream(args, archiveOf({ one: '1' }));
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(out), ['one']);
  });
});
