import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isPrepared } from '../../formats/metadata/index.ts';
import { BackupError } from '../errors.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { prepareStateName } from './prepare-state.ts';

/** Whether the pages of a backup are, or may be, others than those that were taken. */
export function wasPrepared({ path, checkpoints }: BackupDirectory): boolean {
  return isPrepared(checkpoints) || existsSync(join(path, prepareStateName));
}

/** Refuses a directory over which no increment can be laid any more. */
export function refusePrepared(backup: BackupDirectory): void {
  if (!wasPrepared(backup)) return;
  const { path } = backup;
  throw new BackupError('chain', `${path} was prepared: its pages have changed since`, {
    hint:
      'extract the full backup again, and name all increments at once, ' +
      'or use --apply-log-only on all but the last',
    where: { path },
  });
}
