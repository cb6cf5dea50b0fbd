import type { BeginRecord, Manifest } from '../../../formats/archive-record/index.ts';
import { toSafeNumber } from '../../../formats/layout.ts';
import { acceptedNames, decodeCheckpoints } from '../../../formats/metadata/index.ts';
import { type ArchiveIndex, readArchiveIndex } from '../../archive/archive-index.ts';
import { BackupError, toBackupError } from '../../errors.ts';
import { KeptMembers } from '../../import/kept-members.ts';
import type { StoredArchive } from '../../restore/preview.ts';
import { readMembers } from '../../restore/read-members.ts';
import type { ArchiveObjects } from '../../source/archive-objects.ts';
import { knownSpaces } from './known-spaces.ts';
import type { Parent } from './parent.ts';
import { unfitParent } from './unfit-parent.ts';

/** A backup in a bucket or a directory, or an archive by itself; `key`: where it is encrypted. */
export async function storedParent(
  { archive, backup }: StoredArchive,
  key: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Parent> {
  const name = backup?.url ?? archive.name;
  if (backup?.promised) return importedParent(name, backup.manifest);
  const index = await readIndex(name, archive, key, signal);
  const { begin, members } = index;
  const ends = backup?.manifest ?? (await readEnds(name, archive, index, signal));
  if (backup && backup.manifest.backupId !== begin.backupId) {
    throw unfitParent(name, 'its archive is of another backup than its manifest');
  }
  const { toLsn, lastLsn } = ends;
  const isThere = (): Promise<boolean> => (backup ?? archive).isThere();
  return {
    ...parentByRecord(name, begin),
    toLsn,
    lastLsn,
    isThere,
    knownSpaces: knownSpaces(members),
  };
}

/** What a begin record says of a parent. */
export function parentByRecord(
  name: string,
  begin: BeginRecord,
): Omit<Parent, 'toLsn' | 'lastLsn'> {
  const { backupId, redoStart, flavour, serverVersion, pageSize } = begin;
  const { serverId, redoBegan, pageTracking, encryption, keyCheck } = begin;
  const { restoredFrom, restoredAt } = begin;
  const lastRestore = { restoredFrom, restoredAt };
  const server = { flavour, serverVersion, pageSize, serverId, redoBegan, lastRestore };
  const startedAt = new Date(begin.startedAt);
  return { name, backupId, redoStart, ...server, pageTracking, encryption, keyCheck, startedAt };
}

/** The index of an archive of a stock tool does not tell of tablespaces. */
function importedParent(name: string, manifest: Manifest): Parent {
  const { backupId, redoStart, toLsn, lastLsn, flavour, serverVersion, pageSize } = manifest;
  if (redoStart === 0) {
    throw unfitParent(name, 'the header of its redo does not tell where it starts');
  }
  const server = { flavour, serverVersion, pageSize };
  const startedAt = new Date(manifest.startedAt);
  return { name, backupId, redoStart, toLsn, lastLsn, ...server, startedAt };
}

async function readIndex(
  name: string,
  archive: ArchiveObjects,
  key: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<ArchiveIndex & { begin: BeginRecord }> {
  let index: ArchiveIndex | undefined;
  try {
    index = await readArchiveIndex(archive, { key, needKey: true }, signal);
  } catch (error) {
    const { code, message } = toBackupError(error);
    if (code !== 'incomplete' && code !== 'corrupt') throw error;
    throw unfitParent(name, message, { cause: error });
  }
  if (index?.begin) return { ...index, begin: index.begin };
  throw unfitParent(name, 'it has no begin record of xbpipe', {
    hint: 'an archive of a stock tool is made a backup with: xbpipe import',
  });
}

/** An archive without a manifest has its LSNs in its checkpoints only. */
async function readEnds(
  name: string,
  archive: ArchiveObjects,
  index: ArchiveIndex,
  signal: AbortSignal,
): Promise<{ toLsn: number; lastLsn: number }> {
  const kept = new KeptMembers();
  const names = acceptedNames.checkpoints;
  const wanted = index.members.filter(({ path }) => names.includes(path));
  await readMembers(archive, index, wanted, kept, { signal });
  const found = kept.find(names);
  if (!found) throw new BackupError('incomplete', `${name} has no ${names.join(' or ')}`);
  const { toLsn, lastLsn } = decodeCheckpoints(found.bytes);
  return {
    toLsn: toSafeNumber(toLsn, 'checkpoints > to_lsn', 0),
    lastLsn: toSafeNumber(lastLsn, 'checkpoints > last_lsn', 0),
  };
}
