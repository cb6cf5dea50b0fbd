import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BackupLogCheck } from '../../../formats/mariadb-redo/index.ts';
import { BackupError } from '../../errors.ts';
import type { BackupDirectory } from '../backup-directory.ts';
import { readRedo, redoHint } from '../read-redo.ts';
import type { RedoRange } from '../restore-course.ts';

/** Proves the backup's redo log whole, from its checkpoint to the end that the backup recorded. */
export async function checkRedo(
  { path, lastLsn }: BackupDirectory,
  signal: AbortSignal,
): Promise<RedoRange> {
  const file = join(path, 'ib_logfile0');
  if (!existsSync(file)) {
    throw new BackupError('corrupt', `${file} of the backup is missing`, {
      where: { path: file },
      hint: redoHint,
    });
  }
  const report = await readRedo(file, new BackupLogCheck(), signal);
  if (Number(report.lastLsn) !== lastLsn) {
    throw new BackupError(
      'corrupt',
      `${file} ends at LSN ${report.lastLsn}, the backup recorded ${lastLsn}`,
      { where: { path: file, lsn: Number(report.lastLsn) }, hint: redoHint },
    );
  }
  const { checkpointLsn, anyChangesBeyondCheckpoint: anyChanges } = report;
  return { checkpointLsn: Number(checkpointLsn), lastLsn, anyChanges };
}
