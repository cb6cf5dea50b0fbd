import { fileOfDelta } from '../../formats/delta/index.ts';
import type { MemberEntry } from '../../formats/archive-record/index.ts';
import { plainPath } from '../transform/member-decoder.ts';
import { droppedFiles } from './dropped-files.ts';

type SpaceMember = Pick<MemberEntry, 'path' | 'spaceId'>;

/** What a member of a tablespace is known by: its space id; a file of the system tablespace by its name. */
export function spaceKey(spaceId: number, file: string): string {
  return spaceId === 0 ? file : String(spaceId);
}

/** Path of the data file that a member is, or has the changed pages of. */
export function dataFileOf(member: string): string {
  return fileOfDelta(plainPath(member));
}

/**
 * The members of a backup that hold tablespaces, by their keys. Two files of one space id, such as
 * a table and a stray copy of it, are left out: nothing tells which of them the server uses.
 */
export function indexedSpaces<T extends SpaceMember>(members: readonly T[]): Map<string, T> {
  const dropped = droppedFiles(members.map(({ path }) => path));
  const candidates = new Map<string, T[]>();
  for (const entry of members) {
    // While page 0 is all zero nothing tells whose pages a file has.
    if (entry.spaceId === undefined) continue;
    const key = spaceKey(entry.spaceId, dataFileOf(entry.path));
    candidates.set(key, [...(candidates.get(key) ?? []), entry]);
  }
  const found = new Map<string, T>();
  for (const [key, entries] of candidates) {
    const entry = theOne(entries, dropped);
    if (entry) found.set(key, entry);
  }
  return found;
}

/** Of a file that was copied twice, while it was renamed or made anew, the copy that counted in the end. */
function theOne<T extends SpaceMember>(
  entries: readonly T[],
  dropped: ReadonlySet<string>,
): T | undefined {
  const kept = entries.filter(({ path }) => !dropped.has(dataFileOf(path)));
  const names = new Set(kept.map(({ path }) => dataFileOf(path).replace(/\.(ibd|new)$/, '')));
  if (names.size > 1) return undefined;
  return kept.find(({ path }) => dataFileOf(path).endsWith('.new')) ?? kept[0];
}
