import { stat } from 'node:fs/promises';
import { BackupError, toBackupError } from '../errors.ts';

/** @throws BackupError storage when something else, or nothing, has this path; links are followed. */
export async function requireKind(path: string, kind: 'regular file' | 'directory'): Promise<void> {
  try {
    const found = await stat(path);
    if (kind === 'directory' ? found.isDirectory() : found.isFile()) return;
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
  throw new BackupError('storage', `${path} is not a ${kind}`, { where: { path } });
}
