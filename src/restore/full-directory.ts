import { isIncremental } from '../../formats/metadata/index.ts';
import { BackupError } from '../errors.ts';
import { type BackupDirectory, readBackupDirectory } from './backup-directory.ts';
import { readState } from './overlay-state.ts';

/** The full backup in a directory; an increment, or what is half-way to another backup, is refused. */
export function readFullDirectory(path: string): BackupDirectory {
  const backup = readBackupDirectory(path);
  refuseIncremental(backup);
  refuseHalfLaid(path);
  return backup;
}

function refuseIncremental({ checkpoints, path }: BackupDirectory): void {
  if (!isIncremental(checkpoints)) return;
  throw new BackupError('chain', `${path} is an incremental backup: it needs its full backup`, {
    hint: `xbpipe prepare FULL --incremental-dir ${path}`,
    where: { path },
  });
}

/** Its files are of two moments. */
function refuseHalfLaid(path: string): void {
  const half = readState(path);
  if (!half) return;
  throw new BackupError(
    'chain',
    `${path}: an increment, ${half.backupId}, is laid over it half-way`,
    {
      hint: `xbpipe prepare ${path} --incremental-dir, with the same increments again`,
      where: { path },
    },
  );
}
