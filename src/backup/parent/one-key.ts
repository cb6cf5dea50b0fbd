import { keyCheckOf } from '../../../formats/archive-record/index.ts';
import { BackupError } from '../../errors.ts';
import type { Parent } from './parent.ts';
import { unfitParent } from './unfit-parent.ts';

/**
 * Refuses an increment that could not be restored together with its parent: a chain is read with one
 * key. From the first encrypted link on every archive of it is encrypted; what lies below may be
 * plain. A directory of plain files is no link that is read with a key. @throws BackupError
 */
export function requireOneKey(
  { name, backupId, encryption, keyCheck }: Parent,
  { key, format }: { key: Uint8Array | undefined; format: 'xbstream' | 'file' },
): void {
  if (encryption === undefined || format === 'file') return;
  if (key === undefined) {
    throw unfitParent(name, `it is encrypted with ${encryption}, and the increment would not be`, {
      hint: 'add --encrypt and the key of the parent, or take a full backup',
    });
  }
  if (keyCheck === undefined || backupId === undefined) return;
  if (keyCheckOf(key, backupId) !== keyCheck) throw otherKey(name);
}

/** The parent is encrypted with another key than the increment would be. */
export function otherKey(name: string, cause?: unknown): BackupError {
  return new BackupError('wrong-key', `${name} is encrypted with another key`, {
    hint: 'a chain has one key: a new key starts with a full backup',
    cause,
  });
}
