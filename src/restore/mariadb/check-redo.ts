import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { BackupLogCheck, type BackupLogReport } from '../../../formats/mariadb-redo/index.ts';
import { BackupError, toBackupError } from '../../errors.ts';
import type { BackupDirectory } from '../backup-directory.ts';
import type { RedoRange } from '../restore-course.ts';

const readBytes = 1024 * 1024;

/** Proves the backup's redo log whole, from its checkpoint to the end that the backup recorded. */
export async function checkRedo({ path, lastLsn }: BackupDirectory): Promise<RedoRange> {
  const file = join(path, 'ib_logfile0');
  if (!existsSync(file)) {
    throw new BackupError('corrupt', `${file} of the backup is missing`, { where: { path: file } });
  }
  const check = new BackupLogCheck();
  let report: BackupLogReport;
  try {
    const bytes: AsyncIterable<Uint8Array> = createReadStream(file, { highWaterMark: readBytes });
    for await (const piece of bytes) check.push(piece);
    report = check.end();
  } catch (error) {
    const { code, message, where } = toBackupError(error, 'storage');
    throw new BackupError(code === 'incomplete' ? 'corrupt' : code, `${file}: ${message}`, {
      where: { ...where, path: file },
      cause: error,
      hint: 'if an earlier prepare was interrupted, extract the backup again',
    });
  }
  if (Number(report.lastLsn) !== lastLsn) {
    throw new BackupError(
      'corrupt',
      `${file} ends at LSN ${report.lastLsn}, the backup recorded ${lastLsn}`,
      { where: { path: file, lsn: Number(report.lastLsn) } },
    );
  }
  const { checkpointLsn, anyChangesBeyondCheckpoint: anyChanges } = report;
  return { checkpointLsn: Number(checkpointLsn), lastLsn, anyChanges };
}
