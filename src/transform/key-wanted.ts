import { BackupError } from '../errors.ts';

/** What was to be read is encrypted and there is no key. */
export function keyWanted(what: string): BackupError {
  return new BackupError('usage', `${what} and no key is given`, {
    hint: 'name the key file with --encrypt-key-file',
  });
}
