/** A tablespace file of a table as a scan found it. */
export interface SpaceFile {
  member: string;
  device: number;
  inode: number;
  /** An inode is used again at once. */
  bornMs: number;
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
 * BLOCK_DDL. A file is recognised by its space id, inode and birth, never by its name;
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
  const matches = copied.map((before) => ({ before, same: sameFile(before, bySpace) }));
  const known = new Set<T>();
  // Renamed in between, one table may have been copied under two names; the copy under its present one is kept.
  for (const { before, same } of matches) if (same?.member === before.member) known.add(same);
  for (const { before, same } of matches) {
    if (!same || same.member === before.member) continue;
    if (known.has(same)) changes.removed.push(before.member);
    else changes.renamed.push({ from: before.member, to: same.member });
    known.add(same);
  }
  changes.created = now.filter((file) => !known.has(file));
  const madeAgain = new Set(changes.created.map((file) => file.member));
  for (const { before, same } of matches) {
    const replaced = before.spaceId === undefined && madeAgain.has(before.member);
    if (!same && !replaced) changes.removed.push(before.member);
  }
  return changes;
}

/** Of files with one space id (a stray copy may lie about) the one under the old name comes first. */
function sameFile<T extends SpaceFile>(
  before: SpaceFile,
  bySpace: ReadonlyMap<number | undefined, T[]>,
): T | undefined {
  if (before.spaceId === undefined) return undefined;
  const same = (bySpace.get(before.spaceId) ?? []).filter(
    ({ inode, device, bornMs }) =>
      inode === before.inode && device === before.device && bornMs === before.bornMs,
  );
  return same.find((file) => file.member === before.member) ?? same[0];
}
