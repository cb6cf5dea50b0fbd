import { type Manifest, isIncrement } from '../../formats/archive-record/index.ts';

/** A backup as its manifest has it. */
export interface FoundBackup {
  /** Path below the place that was listed; empty when the place is the backup itself. */
  name: string;
  manifest: Manifest;
  /** Why it cannot be restored, as far as a listing shows; undefined: it is ok. */
  problem: string | undefined;
}

/** A backup in its chain. */
export interface CataloguedBackup extends FoundBackup {
  parent: CataloguedBackup | undefined;
  /** Increments that were taken on it, oldest first. */
  children: CataloguedBackup[];
}

/**
 * Backups as chains, by their ids: the oldest chain first, a parent before its children. Who lacks
 * a parent, or has a broken one, is broken. Of several copies of a backup one that is ok has the
 * children.
 */
export function linkChains(found: readonly FoundBackup[]): CataloguedBackup[] {
  const backups = found.map((one): CataloguedBackup => ({
    ...one,
    parent: undefined,
    children: [],
  }));
  backups.sort(byAge);
  const byId = new Map<string, CataloguedBackup>();
  for (const backup of backups) {
    const known = byId.get(backup.manifest.backupId);
    if (!known || (known.problem !== undefined && backup.problem === undefined)) {
      byId.set(backup.manifest.backupId, backup);
    }
  }
  for (const backup of backups) {
    const { parentId } = backup.manifest;
    if (parentId !== undefined) link(backup, byId.get(parentId), parentId);
    else if (isIncrement(backup.manifest)) {
      backup.problem ??= 'it is an increment, and does not name the backup it was taken on';
    }
  }
  const ordered = inOrder(backups.filter(({ parent }) => !parent));
  for (const backup of ordered) {
    if (backup.parent?.problem === undefined) continue;
    backup.problem ??= `its parent ${backup.parent.name} is broken`;
  }
  return ordered;
}

/** A backup and all that was taken on it; whoever removes it goes from the last to the first. */
export function withDescendants(backup: CataloguedBackup): CataloguedBackup[] {
  return inOrder([backup]);
}

/** A full backup with its increments, or what is left of one. */
export interface Chain {
  first: CataloguedBackup;
  /** The first one as well; a parent comes before its children. */
  backups: CataloguedBackup[];
}

export function chainsOf(backups: readonly CataloguedBackup[]): Chain[] {
  return backups
    .filter(({ parent }) => !parent)
    .map((first) => ({ first, backups: withDescendants(first) }));
}

function link(
  backup: CataloguedBackup,
  parent: CataloguedBackup | undefined,
  parentId: string,
): void {
  if (!parent) {
    backup.problem = `its parent ${parentId} is missing`;
    return;
  }
  for (let above: CataloguedBackup | undefined = parent; above; above = above.parent) {
    if (above !== backup) continue;
    backup.problem = 'it is among its own parents';
    return;
  }
  backup.parent = parent;
  parent.children.push(backup);
}

/** Without recursion: a chain may be long. */
function inOrder(firsts: readonly CataloguedBackup[]): CataloguedBackup[] {
  const ordered: CataloguedBackup[] = [];
  const waiting = firsts.toReversed();
  for (let backup = waiting.pop(); backup; backup = waiting.pop()) {
    ordered.push(backup);
    waiting.push(...backup.children.toReversed());
  }
  return ordered;
}

function byAge(one: FoundBackup, other: FoundBackup): number {
  const difference = Date.parse(one.manifest.startedAt) - Date.parse(other.manifest.startedAt);
  if (difference !== 0) return difference;
  return one.name < other.name ? -1 : 1;
}
