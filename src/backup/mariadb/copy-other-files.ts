import { statSync } from 'node:fs';
import { writeMember } from '../../archive/write-member.ts';
import type { MariadbInfo } from '../../server/mariadb/mariadb-info.ts';
import type { CopyContext } from '../copy-context.ts';
import type { CopyJob } from '../copy/copy-messages.ts';
import { HeldFile, type LateFile } from '../held-file.ts';
import { listAriaLogs, listOtherFiles } from './other-files.ts';
import { refuseLost } from './refuse-lost.ts';

/**
 * Under BLOCK_DDL: everything that is not InnoDB. Returns the files whose last
 * bytes can only be read while commits are held off; their rest is copied.
 */
export async function copyOtherFiles(context: CopyContext, info: MariadbInfo): Promise<HeldFile[]> {
  const { store, pool, progress, reporter } = context;
  const { settled, late, emptyDatabases } = listOtherFiles(info);
  // Aria recovers from the checkpoint in its control file: that must be older than every copied table.
  const { control } = listAriaLogs(info);
  if (control) refuseLost(await pool.copy([control]));
  progress.expect(totalSize([...settled, ...late]));
  reporter.info(`copying ${settled.length} other files`);
  refuseLost(await pool.copy(settled));
  for (const database of emptyDatabases) {
    await writeMember(store, `${database}/db.opt`, new Uint8Array(0));
  }
  // Last, so that little is left for the moment when commits are held off.
  const { logs } = listAriaLogs(info);
  const newest = logs.pop();
  // FLUSH LOGS may purge one that was needed no more before the control file was copied.
  await pool.copy(logs);
  const held = holdFiles(context, [...(newest ? [newest] : []), ...late]);
  for (const file of held) await file.ahead();
  return held;
}

/** Opens files for the moment when commits are held off. */
export function holdFiles(context: CopyContext, files: readonly LateFile[]): HeldFile[] {
  const { store, spoolDirectory, cleanUp } = context;
  return files.map((job) => {
    const file = new HeldFile(job, store, spoolDirectory);
    cleanUp.add(() => {
      file.close();
    });
    return file;
  });
}

function totalSize(jobs: readonly CopyJob[]): number {
  return jobs.reduce(
    (sum, job) => sum + (statSync(job.source, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
