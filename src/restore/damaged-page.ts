import { BackupError } from '../errors.ts';

/** What is wrong with a page of a backup; `offset`: bytes, in the file. */
export function damagedPage(
  path: string,
  page: number,
  offset: number,
  fault: string,
): BackupError {
  return new BackupError('corrupt', `${path}: page ${page} at byte ${offset}: ${fault}`, {
    where: { path, offset },
  });
}
