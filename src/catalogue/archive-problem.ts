import type { Manifest } from '../../formats/archive-record/index.ts';
import { objectKey } from '../source/stored-backup.ts';
import type { StoredObject } from '../store/object-store.ts';

/** What the listing shows to be wrong with the archive of a backup; undefined if nothing. */
export function archiveProblem(
  backup: string,
  { objects, index }: Manifest,
  listed: ReadonlyMap<string, StoredObject>,
): string | undefined {
  for (const { name, size } of objects) {
    if (backup === '' && name.startsWith('../')) {
      return `${name} is outside of what was listed: list the place above`;
    }
    const found = listed.get(objectKey(backup, name));
    if (!found) return `${name} is missing`;
    if (found.size !== size) return `${name} has ${found.size} bytes instead of ${size}`;
  }
  if (index === undefined || listed.has(objectKey(backup, index))) return undefined;
  return `${index} is missing`;
}
