import { BackupError } from '../errors.ts';

/** The failure of who would have to overwrite something. */
export function alreadyThere(path: string, hint?: string): BackupError {
  return new BackupError('storage', `${path} exists; nothing is ever overwritten`, {
    ...(hint === undefined ? {} : { hint }),
    where: { path },
  });
}
