import { writeMember } from '../../archive/write-member.ts';
import { BackupError } from '../../errors.ts';
import type { MariadbInfo } from '../../server/mariadb/mariadb-info.ts';
import { readRedoStatus } from '../../server/mariadb/redo-status.ts';
import type { CopiedFile } from '../copy/copy-messages.ts';
import type { CopyContext } from '../copy-context.ts';
import type { TablespaceFile } from '../plan/tablespace-file.ts';
import { type SpaceFile, ddlChanges } from './ddl-changes.ts';
import { refuseLost } from './refuse-lost.ts';
import { scanTables } from './scan-tables.ts';

/**
 * Under BLOCK_DDL: makes good what DDL did to tables since they were copied, in
 * the words that `mariadb-backup --prepare` knows (`.del`, `.ren`, `.new`).
 * Returns the LSN after which the redo log may hold no further DDL.
 */
export async function followDdl(
  context: CopyContext,
  info: MariadbInfo,
  copied: readonly CopiedFile[],
): Promise<number> {
  const { session, store, pool, progress, reporter } = context;
  const { currentLsn: fence } = await readRedoStatus(session);
  const found = await scanTables(info);
  tellTwins(found, context);
  const { removed, renamed, created } = ddlChanges(copied, found);
  for (const member of removed) await writeMember(store, withSuffix(member, '.del'), none);
  for (const { from, to } of renamed) {
    await writeMember(store, withSuffix(from, '.ren'), Buffer.from(withSuffix(to, '')));
  }
  progress.expect(created.reduce((sum, file) => sum + file.size, 0));
  refuseLost(await pool.copy(created.map(asNew)));
  if (removed.length + renamed.length + created.length > 0) {
    reporter.info(
      `since the copy began: ${created.length} tables new or not known by their space id then, ` +
        `${renamed.length} renamed, ${removed.length} dropped`,
    );
  }
  return fence;
}

/**
 * The server uses one of two files with the same space id; which, no page of them tells. A full backup
 * has both, as it found them.
 */
function tellTwins(
  files: readonly SpaceFile[],
  { isIncrement, reporter }: Pick<CopyContext, 'isIncrement' | 'reporter'>,
): void {
  const seen = new Map<number, string>();
  for (const { member, spaceId } of files) {
    if (spaceId === undefined) continue;
    const twin = seen.get(spaceId);
    seen.set(spaceId, member);
    if (twin === undefined) continue;
    const fault = `${twin} and ${member} have one space id, ${spaceId}: one is a stray copy of the other`;
    if (!isIncrement) {
      reporter.warn(`${fault}; no increment can be taken while both are there`);
      continue;
    }
    throw new BackupError('chain', fault, {
      hint: 'move the copy out of the data directory, or take a full backup',
    });
  }
}

const none = new Uint8Array(0);

/** `db/t.ibd` under another suffix. */
function withSuffix(member: string, suffix: string): string {
  return member.replace(/\.ibd$/, suffix);
}

function asNew(file: TablespaceFile): TablespaceFile {
  return { ...file, member: withSuffix(file.member, '.new'), whole: true };
}
