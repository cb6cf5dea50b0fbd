import { join } from 'node:path';
import { indexedSpaces } from '../../archive/indexed-spaces.ts';
import { BackupError } from '../../errors.ts';
import { systemFileNames } from '../../restore/backup-directory.ts';
import { type LinkDirectory, filesBelow } from './link-directory.ts';
import { spaceIdOf } from './space-id-of.ts';

/** Refuses two files of one space id: nothing tells which of them the pages of an increment are of. */
export function refuseTwins({ path, backup, course }: LinkDirectory): void {
  const system = systemFileNames(backup);
  const members = filesBelow(path);
  const files = members
    .filter((member) => course.isTablespace(member, backup) && !system.includes(member))
    .map((member) => ({ path: member, spaceId: spaceIdOf(join(path, member)) }));
  const markers = members
    .filter((member) => member.endsWith('.del'))
    .map((member) => ({ path: member, spaceId: undefined }));
  const known = indexedSpaces([...files, ...markers]);
  const twins = files.filter(({ spaceId }) => spaceId !== undefined && !known.has(String(spaceId)));
  const [one, other] = twins.filter(({ spaceId }) => spaceId === twins[0]?.spaceId);
  if (!one || !other) return;
  const fault = `${path}: ${one.path} and ${other.path} have one space id, ${one.spaceId}`;
  throw new BackupError('chain', fault, {
    hint: 'one is a stray copy that lay in the data directory: remove it, then try again',
    where: { path },
  });
}
