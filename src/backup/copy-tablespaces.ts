import { writeMember } from '../archive/write-member.ts';
import { readRedoStatus } from '../server/mariadb/redo-status.ts';
import type { CopyContext } from './copy-context.ts';
import type { CopiedFile } from './copy/copy-messages.ts';
import { ddlChanges } from './plan/ddl-changes.ts';
import { scanTables } from './plan/scan-tables.ts';
import { type TablespaceFile, listTablespaceFiles } from './plan/tablespace-files.ts';

/** Copies every InnoDB file there is; returns the tables among them, which DDL may have changed meanwhile. */
export async function copyTablespaces(context: CopyContext): Promise<CopiedFile[]> {
  const { info, pool, progress, reporter } = context;
  const files = listTablespaceFiles(info);
  progress.expect(files.reduce((sum, file) => sum + file.size, 0));
  reporter.info(`copying ${files.length} InnoDB files`);
  const outcomes = await pool.copy(files);
  const tables = new Set(files.filter(({ role }) => role === 'table').map((file) => file.member));
  return outcomes.flatMap((outcome) =>
    'copied' in outcome && tables.has(outcome.copied.member) ? [outcome.copied] : [],
  );
}

/**
 * Under BLOCK_DDL: makes good what DDL did to tables since they were copied, in
 * the words that `mariadb-backup --prepare` knows (`.del`, `.ren`, `.new`).
 * Returns the LSN after which the redo log may hold no further DDL.
 */
export async function followDdl(context: CopyContext, copied: CopiedFile[]): Promise<number> {
  const { info, session, store, pool, progress, reporter } = context;
  const { currentLsn: fence } = await readRedoStatus(session);
  const { removed, renamed, created } = ddlChanges(copied, await scanTables(info));
  for (const member of removed) await writeMember(store, withSuffix(member, '.del'), none);
  for (const { from, to } of renamed) {
    await writeMember(store, withSuffix(from, '.ren'), Buffer.from(withSuffix(to, '')));
  }
  progress.expect(created.reduce((sum, file) => sum + file.size, 0));
  await pool.copy(created.map(asNew));
  if (removed.length + renamed.length + created.length > 0) {
    reporter.info(
      `since the copy began: ${created.length} tables new or not known by their space id then, ` +
        `${renamed.length} renamed, ${removed.length} dropped`,
    );
  }
  return fence;
}

const none = new Uint8Array(0);

/** `db/t.ibd` under another suffix. */
function withSuffix(member: string, suffix: string): string {
  return member.replace(/\.ibd$/, suffix);
}

function asNew(file: TablespaceFile): TablespaceFile {
  return { ...file, member: withSuffix(file.member, '.new') };
}
