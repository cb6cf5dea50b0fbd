import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { redoDirectory, redoFileName } from '../../../formats/mysql-redo/index.ts';
import { BackupError } from '../../errors.ts';
import { redoHint } from '../read-redo.ts';

/** The redo log as the backup brings it. */
const backupLogName = 'xtrabackup_logfile';

/** Where the server looks for it. */
export const firstRedoFile = join(redoDirectory, redoFileName(0));

/** The backup's redo log; an interrupted prepare may have put it in the server's place already. */
export function findBackupLog(directory: string): string {
  const names = [backupLogName, firstRedoFile];
  const found = names.map((name) => join(directory, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const path = join(directory, backupLogName);
  throw new BackupError('corrupt', `${path} of the backup is missing`, {
    where: { path },
    hint: redoHint,
  });
}
