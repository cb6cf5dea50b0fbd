import { statSync } from 'node:fs';
import { writeMember } from '../archive/write-member.ts';
import type { CopyContext } from './copy-context.ts';
import type { CopyJob } from './copy/copy-messages.ts';
import { listAriaLogs, listOtherFiles } from './plan/other-files.ts';

/**
 * Under BLOCK_DDL: everything that is not InnoDB, except what is written until
 * commits stop. Returns that rest.
 */
export async function copyOtherFiles(context: CopyContext): Promise<CopyJob[]> {
  const { info, store, pool, progress, reporter } = context;
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
  return underBlockCommit;
}

function totalSize(jobs: readonly CopyJob[]): number {
  return jobs.reduce(
    (sum, job) => sum + (statSync(job.source, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
