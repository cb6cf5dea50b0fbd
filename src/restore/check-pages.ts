import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Flavour } from '../server/flavour.ts';
import { JobPool } from '../worker/job-pool.ts';
import type { Continuation } from '../tablespace/identify-space.ts';
import { type BackupDirectory, systemFileNames } from './backup-directory.ts';
import type { RedoRange, RestoreCourse } from './restore-course.ts';

/** One tablespace file to check. */
export interface PageJob {
  path: string;
  /** For every file of the system tablespace but the first. */
  continues?: Continuation | undefined;
}

export interface PageResult {
  pages: number;
}

export interface PageThreadData {
  flavour: Flavour;
  /** The redo log changes files from here on; what page 0 said before, their length must bear out. */
  checkpointLsn: number;
  /** No page of the backup may be younger than its redo. */
  lastLsn: number;
}

/**
 * Reads every page of every tablespace: checksum, page number, and an LSN within
 * the redo that came with it; and as many of them as there must be. Returns the pages checked.
 */
export async function checkPages(
  backup: BackupDirectory,
  course: RestoreCourse,
  { checkpointLsn }: RedoRange,
  signal: AbortSignal,
): Promise<number> {
  const { flavour, lastLsn } = backup;
  const data: PageThreadData = { flavour, checkpointLsn, lastLsn };
  const threads = Math.min(4, availableParallelism());
  const pool = new JobPool<PageJob, PageResult>(
    threads,
    import.meta.url,
    'check-pages-thread',
    data,
  );
  const results = await pool.run(tablespaces(backup, course), signal);
  return results.reduce((sum, { pages }) => sum + pages, 0);
}

/** The largest come first. */
function tablespaces(backup: BackupDirectory, course: RestoreCourse): PageJob[] {
  const { path } = backup;
  const members = readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(path, entry.name)).map((file) => `${entry.name}/${file}`)
      : [entry.name],
  );
  const continuations = continuationsOf(backup);
  return members
    .filter((member) => course.isTablespace(member, backup))
    .map((member) => ({ path: join(path, member), size: statSync(join(path, member)).size }))
    .sort((a, b) => b.size - a.size)
    .map(({ path: file }) => ({ path: file, continues: continuations.get(file) }));
}

/** Later files of the system tablespace, by path. */
export function continuationsOf(backup: BackupDirectory): Map<string, Continuation> {
  const found = new Map<string, Continuation>();
  const [firstFile = '', ...later] = systemFileNames(backup).map((name) => join(backup.path, name));
  let bytesBefore = statSync(firstFile).size;
  for (const file of later) {
    found.set(file, { firstFile, bytesBefore });
    bytesBefore += statSync(file).size;
  }
  return found;
}
