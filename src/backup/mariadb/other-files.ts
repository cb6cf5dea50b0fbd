import { join } from 'node:path';
import type { MariadbInfo } from '../../server/mariadb/mariadb-info.ts';
import type { CopyJob, CopyKind } from '../copy/copy-messages.ts';
import type { LateFile } from '../held-file.ts';
import { listDatabases, readDirectory } from '../plan/directories.ts';

/** Files other than InnoDB's, by extension; what is not listed is not part of a backup. */
const kinds: Record<string, CopyKind> = {
  '.frm': 'plain',
  '.isl': 'plain',
  '.TRG': 'plain',
  '.TRN': 'plain',
  '.opt': 'plain',
  '.par': 'plain',
  '.MYI': 'plain',
  '.MYD': 'plain',
  '.MRG': 'plain',
  '.ARM': 'plain',
  '.ARZ': 'plain',
  '.CSM': 'plain',
  '.CSV': 'plain',
  '.MAI': 'aria-index',
  '.MAD': 'aria-data',
};

/**
 * Tables of the server itself that it writes in any stage but BLOCK_COMMIT: the
 * logs, and the statistics, which are Aria tables without a log.
 */
const writtenUntilCommitsStop =
  /^mysql\/(general_log|slow_log|table_stats|column_stats|index_stats)\./;

/** Aria rewrites the last page of its newest log in place; all before it are final. */
const ariaLogPageBytes = 8192;

export interface OtherFiles {
  /** Under BLOCK_DDL either nobody writes them, or a log makes up for it. */
  settled: CopyJob[];
  /** Written until commits are held off. */
  late: LateFile[];
  /** Databases without a file of any kind: an empty `db.opt` stands for the directory. */
  emptyDatabases: string[];
}

/** Everything in the database directories that is no tablespace. */
export function listOtherFiles(info: MariadbInfo): OtherFiles {
  const found: OtherFiles = { settled: [], late: [], emptyDatabases: [] };
  for (const database of listDatabases(info.datadir, info.ignoredDirectories)) {
    const names = readDirectory(join(info.datadir, database)).map((entry) => entry.name);
    const jobs = names
      .map((name) => jobOf(info, database, name))
      .filter((job) => job !== undefined);
    for (const job of jobs.sort(indexBeforeData)) {
      if (writtenUntilCommitsStop.test(job.member)) found.late.push(lateFile(job));
      else found.settled.push(job);
    }
    const tables = names.some((name) => name.endsWith('.ibd'));
    if (jobs.length === 0 && !tables) found.emptyDatabases.push(database);
  }
  return found;
}

/** Rows are only ever added to the file of a log table. */
function lateFile(job: CopyJob): LateFile {
  return { ...job, unsettledBytes: job.member.endsWith('.CSV') ? 0 : undefined };
}

/** `#sql...` files are a running ALTER's; only its tablespace has to come along. */
function jobOf(info: MariadbInfo, database: string, name: string): CopyJob | undefined {
  const kind = kinds[name.slice(name.lastIndexOf('.'))];
  if (kind === undefined || name.startsWith('#sql')) return undefined;
  return { kind, source: join(info.datadir, database, name), member: `${database}/${name}` };
}

/** Aria's index is copied before its data: its log repeats what comes in between. */
function indexBeforeData(a: CopyJob, b: CopyJob): number {
  const order = (kind: CopyKind): number => (kind === 'aria-data' ? 1 : 0);
  return order(a.kind) - order(b.kind);
}

/** The finished Aria logs and the one being written, oldest first, and the control file. */
export function listAriaLogs(info: MariadbInfo): {
  control: CopyJob | undefined;
  logs: LateFile[];
} {
  const names = readDirectory(info.ariaLogDir).map((entry) => entry.name);
  const job = (name: string): CopyJob => ({
    kind: 'plain',
    source: join(info.ariaLogDir, name),
    member: name,
  });
  return {
    control: names.includes('aria_log_control') ? job('aria_log_control') : undefined,
    logs: names
      .filter((name) => /^aria_log\.\d{8}$/.test(name))
      .sort()
      .map((name) => ({ ...job(name), unsettledBytes: ariaLogPageBytes })),
  };
}
