import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSystemFiles, systemFilesName } from '../../../formats/archive-record/index.ts';
import { BackupError } from '../../errors.ts';
import { type BackupDirectory, systemFileNames } from '../backup-directory.ts';
import { readRecord } from '../read-record.ts';

/**
 * Makes the files of the system tablespace as long as they were at the backup's position. The
 * server does so by itself with every other tablespace, but of this one its redo log does not say it.
 */
export function extendSystemFiles(backup: BackupDirectory): void {
  const record = join(backup.path, systemFilesName);
  const sizes = readRecord(record, decodeSystemFiles);
  // There is none in a backup by XtraBackup.
  if (!sizes) return;
  const known = systemFileNames(backup);
  for (const { name, size } of sizes) {
    if (!known.includes(name)) {
      throw new BackupError('corrupt', `${record}: ${name} is no file of the system tablespace`, {
        where: { path: record },
      });
    }
    const path = join(backup.path, name);
    if (statSync(path).size < size) truncateSync(path, size);
  }
}
