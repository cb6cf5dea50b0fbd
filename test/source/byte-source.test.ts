// Named pipes as `--from`, by processes: what cannot be given up shows only when one is to end.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { before, describe, it } from 'node:test';
import { writeArchive } from '../archive/support.ts';
import { treeOf } from '../sink/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { assertDone, runShell, startTool, toolEnd } from '../support/tool.ts';

/** Waits until the process has this file open. */
async function hasOpened(pid: number | undefined, path: string): Promise<void> {
  const directory = `/proc/${pid}/fd`;
  const links = (): string[] =>
    readdirSync(directory).map((fd) => {
      try {
        return readlinkSync(join(directory, fd));
      } catch {
        return 'closed meanwhile';
      }
    });
  while (!links().includes(path)) await new Promise(setImmediate);
}

describe('--from a pipe', () => {
  let folder: string;
  let archive: string;
  let count = 0;
  const newPipe = (): string => {
    count += 1;
    const path = join(folder, `pipe-${count}`);
    execFileSync('mkfifo', [path]);
    return path;
  };

  before(async () => {
    folder = scratchDir('pipes');
    archive = join(folder, 'archive');
    writeFileSync(archive, await writeArchive([['ibdata1', 'x'.repeat(3_000_000)]]));
  });

  it('ends at SIGTERM while the pipe has no writer', async () => {
    const pipe = newPipe();
    const child = startTool(['extract', '--from', pipe, '-C', join(folder, 'unwritten')]);
    await hasOpened(child.pid, pipe);
    const end = toolEnd(child);
    child.kill('SIGTERM');
    const { status, stderr } = await end;
    assert.equal(status, 143, stderr);
  });

  it('waits for a writer and takes all that it writes', async () => {
    const [pipe, out] = [newPipe(), join(folder, 'late')];
    const child = startTool(['extract', '--from', pipe, '-C', out]);
    const end = toolEnd(child);
    await hasOpened(child.pid, pipe);
    await pipeline(createReadStream(archive), createWriteStream(pipe));
    assertDone(await end);
    assert.equal(treeOf(out)['ibdata1']?.length, 3_000_000);
  });

  it('fails when the writer comes and goes without a byte', async () => {
    const pipe = newPipe();
    const child = startTool(['extract', '--from', pipe, '-C', join(folder, 'nothing')]);
    const end = toolEnd(child);
    await hasOpened(child.pid, pipe);
    await pipeline([], createWriteStream(pipe));
    const { status, stderr } = await end;
    assert.equal(status, 30, stderr);
    assert.match(stderr, /it is empty/);
  });

  it('takes what a writer left that is gone before the pipe is opened', async () => {
    const small = join(folder, 'small');
    writeFileSync(small, await writeArchive([['ibdata1', 'small']]));
    const script = 'exec 3< <(cat "$1"); wait $!; xbpipe extract --from /dev/fd/3 -C "$2"';
    assertDone(await runShell(script, small, join(folder, 'small-out')));
    const empty = await runShell(script, '/dev/null', join(folder, 'empty-out'));
    assert.equal(empty.status, 30, empty.stderr);
  });
});
