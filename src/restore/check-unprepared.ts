import type { Reporter } from '../reporter.ts';
import { checkFiles } from './check-files.ts';
import { readFullDirectory } from './full-directory.ts';
import { refusePrepared } from './refuse-prepared.ts';
import { restoreCourse } from './restore-course.ts';

/**
 * Proves of a directory that an increment can be laid over it: a full backup that nothing has
 * recovered yet, with all its files and its redo. Its pages are checked once it is prepared.
 */
export async function checkUnprepared(
  path: string,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const backup = readFullDirectory(path);
  refusePrepared(backup);
  const course = restoreCourse(backup);
  const redo = await course.checkRedo(backup, signal);
  reporter.info(`redo log is whole: LSN ${redo.checkpointLsn} to ${redo.lastLsn}`);
  checkFiles(backup, course);
}
