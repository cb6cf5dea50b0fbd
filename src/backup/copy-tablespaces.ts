import type { CopiedFile } from './copy/copy-messages.ts';
import { refuseVanished } from './refuse-vanished.ts';
import type { CopyContext } from './copy-context.ts';
import type { TablespaceFile } from './plan/tablespace-file.ts';

/**
 * Copies every InnoDB file; returns the tables among them, which DDL may have changed meanwhile.
 * Where `ddlGoesOn` is false, no file may have gone: nobody would look for it again.
 */
export async function copyTablespaces(
  context: CopyContext,
  files: readonly TablespaceFile[],
  { ddlGoesOn }: { ddlGoesOn: boolean },
): Promise<CopiedFile[]> {
  const { pool, progress, reporter } = context;
  progress.expect(files.reduce((sum, file) => sum + file.size, 0));
  reporter.info(`copying ${files.length} InnoDB files`);
  const outcomes = await pool.copy(files);
  if (!ddlGoesOn) refuseVanished(outcomes);
  const tables = new Set(files.filter(({ role }) => role === 'table').map((file) => file.member));
  return outcomes.flatMap((outcome) =>
    'copied' in outcome && tables.has(outcome.copied.member) ? [outcome.copied] : [],
  );
}
