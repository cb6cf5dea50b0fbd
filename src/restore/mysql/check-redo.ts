import {
  BackupLogCheck,
  type BackupLogReport,
  blockBytes,
  blockStart,
} from '../../../formats/mysql-redo/index.ts';
import { BackupError } from '../../errors.ts';
import type { BackupDirectory } from '../backup-directory.ts';
import { readRedo, redoHint } from '../read-redo.ts';
import type { RedoRange } from '../restore-course.ts';
import { findBackupLog } from './backup-log.ts';

/** Proves the backup's redo log whole, from its checkpoint to the end that the backup recorded. */
export async function checkRedo(backup: BackupDirectory, signal: AbortSignal): Promise<RedoRange> {
  const { path, lastLsn, begin } = backup;
  const file = findBackupLog(path);
  const fromXtraBackup = begin === undefined;
  const check = new BackupLogCheck({ endLsn: lastLsn, fromXtraBackup });
  const report = await readRedo(file, check, signal);
  refuseOtherRange(file, report, backup);
  const { checkpointLsn } = report;
  return { checkpointLsn, lastLsn, anyChanges: lastLsn > checkpointLsn };
}

/**
 * The log must be that of this backup: begin where its pages are good from, and end where they
 * were cut. XtraBackup copies more, and an encrypted last block cannot be cut.
 */
function refuseOtherRange(
  file: string,
  report: BackupLogReport,
  { begin, checkpoints, lastLsn }: BackupDirectory,
): void {
  if (begin && report.checkpointLsn !== begin.redoStart) {
    throw new BackupError(
      'corrupt',
      `${file} begins at LSN ${report.checkpointLsn}, the backup recorded ${begin.redoStart}`,
      { where: { path: file, lsn: report.checkpointLsn }, hint: redoHint },
    );
  }
  const endMax = report.encrypted ? blockStart(lastLsn) + 2 * blockBytes : lastLsn;
  if (begin && report.lastLsn > endMax) {
    throw new BackupError(
      'corrupt',
      `${file} ends at LSN ${report.lastLsn}, the backup recorded ${lastLsn}`,
      { where: { path: file, lsn: report.lastLsn }, hint: redoHint },
    );
  }
  // What tells in a backup by XtraBackup: to_lsn was the newest checkpoint when the copy ended.
  if (BigInt(report.checkpointLsn) > checkpoints.toLsn) {
    throw new BackupError(
      'corrupt',
      `${file} begins at LSN ${report.checkpointLsn}, behind the backup's to_lsn ${checkpoints.toLsn}`,
      { where: { path: file, lsn: report.checkpointLsn }, hint: redoHint },
    );
  }
}
