import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backupTypes, encodeCheckpoints, isPrepared } from '../../formats/metadata/index.ts';
import type { Reporter } from '../reporter.ts';
import { replaceFile } from '../store/replace-file.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { checkFiles } from './check-files.ts';
import { checkPages } from './check-pages.ts';
import { readFullDirectory } from './full-directory.ts';
import { prepareStateName } from './prepare-state.ts';
import { recover } from './recover.ts';
import { restoreCourse } from './restore-course.ts';
import { findServerBinary } from './server-binary.ts';

export interface PrepareOptions {
  serverBinary?: string | undefined;
  /** More arguments for the server that recovers, such as those of a key plugin. */
  serverArguments: readonly string[];
  /**
   * The directory is nobody's last copy: if the machine goes down while the server recovers it, it is
   * made anew, so that the server need not write every page twice.
   */
  disposable?: boolean;
}

/**
 * Makes an extracted full backup a data directory that any server start takes.
 * Nothing is started before every file, page and redo record was checked, and
 * nothing is called done before the server recovered to the recorded LSN.
 */
export async function prepare(
  path: string,
  options: PrepareOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const backup = readFullDirectory(path);
  if (isPrepared(backup.checkpoints)) {
    reporter.info(`${path} is prepared already`);
    return;
  }
  const course = restoreCourse(backup);
  const server = await findServerBinary(options.serverBinary, backup, course);
  course.checkPlace(path);
  const redo = await course.checkRedo(backup, signal);
  reporter.info(`redo log is whole: LSN ${redo.checkpointLsn} to ${redo.lastLsn}`);
  const state = join(path, prepareStateName);
  if (!existsSync(state)) checkFiles(backup, course);
  const pages = await checkPages(backup, course, redo, signal);
  reporter.info(`${pages} pages checked`);
  signal.throwIfAborted();

  writeFileSync(state, '');
  course.arrange(backup, redo, reporter);
  reporter.info(`recovering with ${server.path} (${server.version})`);
  const log = await recover(backup, redo, course, server, { ...options, signal });
  for (const warning of log.warnings) reporter.info(`server: ${warning}`);
  reporter.info(`the server recovered to LSN ${redo.lastLsn} and shut down cleanly`);
  course.tidy(backup);
  markPrepared(backup, state);
}

/** The type that stock tools know as "redo is in the data files". */
function markPrepared(
  { path, checkpoints, checkpointsName }: BackupDirectory,
  state: string,
): void {
  const bytes = encodeCheckpoints({ ...checkpoints, backupType: backupTypes.logApplied });
  replaceFile(join(path, checkpointsName), bytes);
  rmSync(state);
}
