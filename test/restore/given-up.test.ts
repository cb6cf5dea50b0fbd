import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BackupError } from '../../src/errors.ts';
import { readBackupDirectory } from '../../src/restore/backup-directory.ts';
import { checkPages } from '../../src/restore/check-pages.ts';
import { checkUnprepared } from '../../src/restore/check-unprepared.ts';
import { prepare } from '../../src/restore/prepare.ts';
import { restoreCourse } from '../../src/restore/restore-course.ts';
import { failureOf } from '../archive/support.ts';
import { madeDirectories } from '../chain/directories.ts';
import { fakeServer } from './prepare-support.ts';

const silent = { info: () => undefined, warn: () => undefined, progress: () => undefined };

/** A full backup whose only page is damaged. */
function damagedBackup(): string {
  const bytes = Buffer.alloc(16_384, 'no page');
  const begin = { serverVersion: '10.11.19-MariaDB' };
  const [directory = ''] = madeDirectories([{ begin, files: [{ path: 'ibdata1', bytes }] }]);
  return directory;
}

describe('the checks before a recovery', () => {
  it('find the damage as long as they are not given up', async () => {
    const { signal } = new AbortController();
    const options = { serverBinary: fakeServer('exit 1').path, serverArguments: [] };
    const error = await failureOf(() => prepare(damagedBackup(), options, silent, signal));
    assert.match(error.message, /ibdata1/u);
  });

  it('are given up before the pages are read', async () => {
    const controller = new AbortController();
    const info = (message: string): void => {
      if (message.startsWith('redo log is whole')) controller.abort(terminated);
    };
    const options = { serverBinary: fakeServer('exit 1').path, serverArguments: [] };
    const reporter = { ...silent, info };
    const prepared = prepare(damagedBackup(), options, reporter, controller.signal);
    assert.equal(await failureOf(() => prepared), terminated);
  });

  it('are given up while threads read the pages', async () => {
    const controller = new AbortController();
    const backup = readBackupDirectory(damagedBackup());
    const course = restoreCourse(backup);
    const { signal } = controller;
    const checked = checkPages(backup, course, await course.checkRedo(backup, signal), signal);
    controller.abort(terminated);
    assert.equal(await failureOf(() => checked), terminated);
  });

  it('are given up while the redo log is read', async () => {
    const signal = AbortSignal.abort(terminated);
    const error = await failureOf(() => checkUnprepared(damagedBackup(), silent, signal));
    assert.equal(error, terminated);
  });
});

const terminated = new BackupError('terminated', 'terminated');
