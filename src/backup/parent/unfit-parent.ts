import { BackupError } from '../../errors.ts';

/** No increment can be taken on this backup. */
export function unfitParent(
  name: string,
  why: string,
  { hint = 'take a full backup', cause }: { hint?: string; cause?: unknown } = {},
): BackupError {
  return new BackupError('chain', `no increment can be taken on ${name}: ${why}`, { hint, cause });
}
