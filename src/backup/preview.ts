import { accessSync, constants, statSync, statfsSync } from 'node:fs';
import { toBackupError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import { CleanUp } from './clean-up.ts';
import { type ConnectOptions, connect, describeServer } from './connect.ts';

/** A number of files and their bytes. */
export interface FileCount {
  files: number;
  bytes: number;
}

/** What a backup would do to a server, as the server is now. */
export interface BackupPreview {
  server: string;
  datadir: string;
  tablespaces: FileCount;
  others: FileCount;
  /** Bytes of redo between the newest checkpoint and now, and how many the log holds. */
  redo: { checkpointLsn: number; bytes: number; capacity: number };
  /** Whether DDL waits for the whole copy. */
  ddlWaits: boolean;
  /** Whether the server notes the pages that it writes, in words; undefined: nobody asked. */
  pageTracking?: string;
  /** Free bytes where redo waits that the sink does not take in time. */
  spoolFree: number;
  /** Of an increment: what it is taken on, and the LSN from which pages are taken. */
  parent: { name: string; sinceLsn: number } | undefined;
}

/**
 * Makes every check of a backup that needs no lock, looks at every file that it would read, and
 * changes nothing.
 */
export async function previewBackup(
  options: ConnectOptions & { spoolDirectory: string; pageTracking: boolean },
  reporter: Reporter,
): Promise<BackupPreview> {
  const cleanUp = new CleanUp();
  try {
    const { course, redo } = await connect(options, reporter, cleanUp);
    const { info } = course;
    const { checkpointLsn, currentLsn, capacity } = redo;
    const { parent } = options;
    return {
      server: describeServer(info),
      datadir: info.datadir,
      tablespaces: measure(await course.listTablespaces()),
      others: measure(course.listOtherFiles()),
      redo: { checkpointLsn, bytes: currentLsn - checkpointLsn, capacity },
      ddlWaits: options.lockDdl === 'ON' || !course.ddlGoesOn,
      ...(options.pageTracking && { pageTracking: await course.describeTracking() }),
      spoolFree: freeBytes(options.spoolDirectory),
      parent: parent && { name: parent.name, sinceLsn: parent.redoStart },
    };
  } finally {
    await cleanUp.run();
  }
}

/** A file that cannot be read is found now and not in the middle of the backup. */
function measure(jobs: readonly { source: string }[]): FileCount {
  const count = { files: 0, bytes: 0 };
  for (const { source } of jobs) {
    const stat = statSync(source, { throwIfNoEntry: false });
    // Dropped meanwhile.
    if (!stat) continue;
    try {
      accessSync(source, constants.R_OK);
    } catch (error) {
      throw toBackupError(error, 'access');
    }
    count.files += 1;
    count.bytes += stat.size;
  }
  return count;
}

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}
