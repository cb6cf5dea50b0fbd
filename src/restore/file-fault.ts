import { BackupError, toBackupError } from '../errors.ts';

/** What is wrong with a file of a backup, told with its path; one that ends too early is damaged. */
export function fileFault(path: string, thrown: unknown, hint?: string): BackupError {
  if (thrown instanceof BackupError && thrown.where.path !== undefined) return thrown;
  const { code, message, where } = toBackupError(thrown, 'storage');
  return new BackupError(code === 'incomplete' ? 'corrupt' : code, `${path}: ${message}`, {
    where: { ...where, path },
    cause: thrown,
    ...(hint !== undefined && { hint }),
  });
}
