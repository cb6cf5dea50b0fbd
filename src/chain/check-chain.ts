import { type BeginRecord, isIncrement } from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';
import type { ChainLink } from './link.ts';

/** What a link has to say of where it belongs. */
export type LinkFacts = Pick<ChainLink, 'name' | 'lastLsn'> & {
  begin: Pick<
    BeginRecord,
    'backupId' | 'parentId' | 'sinceLsn' | 'redoStart' | 'flavour' | 'pageSize' | 'serverId'
  >;
};

/**
 * Refuses what is no chain: the oldest link must be a full backup, and each of the others an
 * increment on the one before it, which holds every page that changed since that one's redo starts.
 */
export function checkChain(links: readonly LinkFacts[]): void {
  const [first] = links;
  if (!first) throw new BackupError('usage', 'a chain of no backups');
  if (isIncrement(first.begin)) {
    throw misfit(first, 'is an increment: a chain begins with its full backup');
  }
  const names = new Map<string, string>();
  for (const link of links) {
    const twin = names.get(link.begin.backupId);
    if (twin !== undefined) throw misfit(link, `is the same backup as ${twin}`);
    names.set(link.begin.backupId, link.name);
  }
  for (const [i, child] of links.slice(1).entries()) checkPair(links[i] as LinkFacts, child);
}

/** Refuses an increment that was not taken on `parent`, or cannot be laid over it. */
export function checkPair(parent: LinkFacts, child: LinkFacts): void {
  const [before, after] = [parent.begin, child.begin];
  const { sinceLsn } = after;
  if (!isIncrement(after) || sinceLsn === undefined) {
    throw misfit(child, `is a full backup: it cannot follow ${parent.name}`);
  }
  if (after.parentId !== undefined && after.parentId !== before.backupId) {
    const on = `is an increment on ${after.parentId}`;
    throw misfit(child, `${on}; ${parent.name} is ${before.backupId}`);
  }
  for (const [what, one, other] of [
    ['a server of', before.flavour, after.flavour],
    ['pages of', before.pageSize, after.pageSize],
    ['the server', before.serverId, after.serverId],
  ] as const) {
    if (one === undefined || other === undefined || one === other) continue;
    throw misfit(child, `is of ${what} ${other}, ${parent.name} of ${what} ${one}`);
  }
  if (sinceLsn > before.redoStart) {
    const missing = `pages that changed from LSN ${before.redoStart} to ${sinceLsn} are missing`;
    throw misfit(child, `holds what changed since LSN ${sinceLsn}: ${missing}`, {
      hint:
        `one that fits is taken with --incremental-lsn=${before.redoStart}, where the redo of its ` +
        'parent starts; mariadb-backup --prepare or xtrabackup --prepare may take this one',
    });
  }
  requireForward('redo starts', before.redoStart, after.redoStart);
  requireForward('redo ends', parent.lastLsn, child.lastLsn);

  function requireForward(what: string, one: number | undefined, other: number | undefined): void {
    if (one === undefined || other === undefined || one <= other) return;
    throw misfit(
      child,
      `is not newer than ${parent.name}: its ${what} at LSN ${other}, not ${one}`,
    );
  }
}

function misfit({ name }: LinkFacts, fault: string, options: { hint?: string } = {}): BackupError {
  return new BackupError('chain', `${name} ${fault}`, { ...options, where: { path: name } });
}
