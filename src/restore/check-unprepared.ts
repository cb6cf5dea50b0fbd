import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isPrepared } from '../../formats/metadata/index.ts';
import { BackupError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import { checkFiles } from './check-files.ts';
import { readFullDirectory } from './full-directory.ts';
import { prepareStateName } from './prepare-state.ts';
import { restoreCourse } from './restore-course.ts';

/**
 * Proves of a directory that an increment can be laid over it: a full backup that nothing has
 * recovered yet, with all its files and its redo. Its pages are checked once it is prepared.
 */
export async function checkUnprepared(path: string, reporter: Reporter): Promise<void> {
  const backup = readFullDirectory(path);
  if (isPrepared(backup.checkpoints) || existsSync(join(path, prepareStateName))) {
    throw new BackupError('chain', `${path} was prepared: it takes no increment any more`, {
      hint: 'extract the full backup again',
      where: { path },
    });
  }
  const course = restoreCourse(backup);
  const redo = await course.checkRedo(backup);
  reporter.info(`redo log is whole: LSN ${redo.checkpointLsn} to ${redo.lastLsn}`);
  checkFiles(backup, course);
}
