import assert from 'node:assert/strict';
import { rmSync, truncateSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { madeDirectories } from '../chain/directories.ts';
import { type MadeLink, page, page0, pageSize } from '../chain/support.ts';
import { runTool, type ToolResult } from '../support/tool.ts';

const made: MadeLink[] = [
  { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: Buffer.concat([page0(5, 'a'), page('b')]) }] },
  {
    files: [
      {
        path: 'db/t.ibd',
        spaceId: 5,
        delta: { fileSize: 2 * pageSize, pages: new Map([[1, page('c')]]) },
      },
    ],
  },
];

/** A full backup and an increment on it, as directories with their redo. */
function directories(): { full: string; increment: string } {
  const [full = '', increment = ''] = madeDirectories(made);
  return { full, increment };
}

const prepare = async (...args: string[]): Promise<ToolResult> =>
  await runTool(['prepare', '--no-defaults', ...args]);

async function assertRefused(status: number, message: RegExp, ...args: string[]): Promise<void> {
  const result = await prepare(...args);
  assert.match(result.stderr, message);
  assert.equal(result.status, status, result.stderr);
}

describe('prepare --apply-log-only', () => {
  it('leaves a full backup for increments, and says what it proved', async () => {
    const { full } = directories();
    const { status, stderr } = await prepare('--apply-log-only', full);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /redo log is whole.*\n.*waits for further increments/u);
  });

  it('refuses what is no backup, or none that increments can be laid over', async () => {
    const { full, increment } = directories();
    const option = '--apply-log-only';
    await assertRefused(30, /it is no whole backup/u, option, join(full, 'gone'));
    await assertRefused(40, /is an incremental backup/u, option, increment);
    writeFileSync(join(full, 'xbpipe_overlay_state'), 'laying id-1\n');
    await assertRefused(40, /laid over it half-way/u, option, full);
    rmSync(join(full, 'xbpipe_overlay_state'));
    const file = join(full, 'xtrabackup_checkpoints');
    writeFileSync(file, readFileSync(file, 'utf8').replace('full-backuped', 'log-applied'));
    await assertRefused(40, /was prepared/u, option, full);
  });

  it('refuses a directory with a file or redo that is not whole', async () => {
    const { full } = directories();
    truncateSync(join(full, 'db/t.ibd'), pageSize);
    await assertRefused(
      31,
      /t\.ibd has 1024 bytes, the backup has 2048/u,
      '--apply-log-only',
      full,
    );
    rmSync(join(full, 'ib_logfile0'));
    await assertRefused(31, /ib_logfile0 of the backup is missing/u, '--apply-log-only', full);
  });
});

describe('the options of prepare', () => {
  it('have the names of any version of XtraBackup, also after a command of ours', async () => {
    const { full, increment } = directories();
    const names = ['--apply_redo_only', `--prepare-incremental-from-dir=${increment}`];
    const { status, stderr } = await prepare(...names, full);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /is laid over .*\n.*redo log is whole: LSN 47000 to 47200/u);
  });

  it('are refused when both names of one are there', async () => {
    const both = /are the same option/u;
    await assertRefused(2, both, '--apply-log-only', '--apply-redo-only', 'dir');
    await assertRefused(2, both, '--incremental-dir=a', '--prepare-incremental-from-dir=a', 'dir');
  });

  it('warn of what has no effect here, but not of what an option file says', async () => {
    const { full } = directories();
    const { stderr } = await prepare('--apply-log-only', '--use-memory=1G', '--parallel=4', full);
    assert.match(stderr, /--use-memory has no effect on xbpipe prepare/u);
    assert.match(stderr, /--parallel has no effect on xbpipe prepare/u);
    const file = join(full, '..', 'my.cnf');
    writeFileSync(file, '[xbpipe]\nparallel = 4\n');
    const fromFile = await runTool([
      'prepare',
      `--defaults-file=${file}`,
      '--apply-log-only',
      full,
    ]);
    assert.equal(fromFile.status, 0, fromFile.stderr);
    assert.doesNotMatch(fromFile.stderr, /has no effect/u);
  });

  it('are refused in option files where no directory would be prepared any more', async () => {
    const { full } = directories();
    const file = join(full, '..', 'my.cnf');
    writeFileSync(file, '[xbpipe]\napply_redo_only\n');
    const { status, stderr } = await runTool(['prepare', `--defaults-file=${file}`, full]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /--apply-redo-only is for the command line/u);
  });
});
