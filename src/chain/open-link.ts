import { readArchiveIndex } from '../archive/archive-index.ts';
import { BackupError } from '../errors.ts';
import type { StoredArchive } from '../restore/preview.ts';
import type { StoredLink } from './link.ts';

const hint =
  'extract every link of the chain, then: ' +
  'xbpipe prepare DIR --incremental-dir DIR1 --incremental-dir DIR2';

/** A link out of its archive: the records and the index are read, and proved to go together. */
export async function openLink(
  { archive, backup }: StoredArchive,
  key: Uint8Array | undefined,
  signal?: AbortSignal,
): Promise<StoredLink> {
  const name = backup?.url ?? archive.name;
  const index = backup?.promised
    ? undefined
    : await readArchiveIndex(archive, { key, needKey: true }, signal);
  if (!index?.begin) {
    const message = `${name} has no index of ours: a chain is restored by what its indexes say`;
    throw new BackupError('chain', message, { hint, where: { path: name } });
  }
  const { begin, members } = index;
  if (backup && backup.manifest.backupId !== begin.backupId) {
    throw new BackupError('corrupt', `${name} is of another backup than its manifest`, {
      where: { path: name },
    });
  }
  return { name, begin, members, lastLsn: backup?.manifest.lastLsn, archive, index };
}

/** What cannot be read at any offset is no link. */
export function noLink(name: string): BackupError {
  return new BackupError('usage', `${name} cannot be read in parts, as a chain is`, { hint });
}
