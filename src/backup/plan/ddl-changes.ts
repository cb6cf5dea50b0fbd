/** A tablespace file of a table as a scan found it. */
export interface SpaceFile {
  member: string;
  device: number;
  inode: number;
  /** Undefined while page 0 is all zero. */
  spaceId?: number | undefined;
}

/** What DDL did to the tables while they were copied. */
export interface DdlChanges<T extends SpaceFile> {
  /** Members whose tablespace is gone. */
  removed: string[];
  renamed: { from: string; to: string }[];
  /** Files to copy, or to copy again. */
  created: T[];
}

/**
 * Compares the files that were copied with those that are there under
 * BLOCK_DDL. A file is recognised by its space id and inode, never by its name;
 * one whose space id was not known when it was copied counts as new.
 */
export function ddlChanges<T extends SpaceFile>(
  copied: readonly SpaceFile[],
  now: readonly T[],
): DdlChanges<T> {
  const changes: DdlChanges<T> = { removed: [], renamed: [], created: [] };
  const bySpace = new Map<number | undefined, T[]>();
  for (const file of now) {
    bySpace.set(file.spaceId, [...(bySpace.get(file.spaceId) ?? []), file]);
  }
  const members = new Set(now.map((file) => file.member));
  const known = new Set<T>();
  for (const before of copied) {
    const same =
      before.spaceId === undefined ? undefined : sameFile(before, bySpace.get(before.spaceId));
    if (same) {
      known.add(same);
      if (same.member !== before.member) {
        changes.renamed.push({ from: before.member, to: same.member });
      }
    } else if (before.spaceId !== undefined || !members.has(before.member)) {
      changes.removed.push(before.member);
    }
  }
  changes.created = now.filter((file) => !known.has(file));
  return changes;
}

/** Of files with one space id (a stray copy may lie about) the one under the old name comes first. */
function sameFile<T extends SpaceFile>(
  before: SpaceFile,
  candidates: readonly T[] | undefined,
): T | undefined {
  const same = candidates?.filter(
    (file) => file.inode === before.inode && file.device === before.device,
  );
  return same?.find((file) => file.member === before.member) ?? same?.[0];
}
