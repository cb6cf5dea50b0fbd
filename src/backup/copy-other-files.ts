import { statSync } from 'node:fs';
import { writeMember } from '../archive/write-member.ts';
import { AriaLogTail } from './aria-log-tail.ts';
import type { CopyContext } from './copy-context.ts';
import type { CopyJob } from './copy/copy-messages.ts';
import { listAriaLogs, listOtherFiles } from './plan/other-files.ts';

/** What can only be copied while commits are held off. */
export interface LateFiles {
  /** Tables that the server writes until then. */
  files: CopyJob[];
  /** The Aria logs that are there so far; the newest is copied up to its last page. */
  ariaLogs: ReadonlySet<string>;
  ariaTail: AriaLogTail | undefined;
}

/** Under BLOCK_DDL: everything that is not InnoDB, as far as it may be copied yet. */
export async function copyOtherFiles(context: CopyContext): Promise<LateFiles> {
  const { info, store, pool, progress, reporter, cleanUp } = context;
  const { underBlockDdl, underBlockCommit, emptyDatabases } = listOtherFiles(info);
  // Aria recovers from the checkpoint in its control file: that must be older than every copied table.
  const { control } = listAriaLogs(info);
  if (control) await pool.copy([control]);
  progress.expect(totalSize([...underBlockDdl, ...underBlockCommit]));
  reporter.info(`copying ${underBlockDdl.length} other files`);
  await pool.copy(underBlockDdl);
  for (const database of emptyDatabases) {
    await writeMember(store, `${database}/db.opt`, new Uint8Array(0));
  }
  // Last, so that little is left for the moment when commits are held off.
  const { logs } = listAriaLogs(info);
  const newest = logs.pop();
  await pool.copy(logs);
  const ariaTail = newest && new AriaLogTail(newest, store);
  if (ariaTail) cleanUp.add(() => ariaTail.close());
  await ariaTail?.copyFinalPages();
  const ariaLogs = new Set([...logs, ...(newest ? [newest] : [])].map((log) => log.member));
  return { files: underBlockCommit, ariaLogs, ariaTail };
}

function totalSize(jobs: readonly CopyJob[]): number {
  return jobs.reduce(
    (sum, job) => sum + (statSync(job.source, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
