import { basename, dirname, relative } from 'node:path';
import type { TablespaceEntry } from '../../../formats/metadata/index.ts';
import { BackupError } from '../../errors.ts';
import { type DataFile, readDataFiles } from '../../server/mysql/data-files.ts';
import type { MysqlInfo } from '../../server/mysql/mysql-info.ts';
import type { Session } from '../../server/session.ts';
import { systemFiles } from '../plan/system-files.ts';
import { type TablespaceFile, largestFirst, tablespaceFile } from '../plan/tablespace-file.ts';

/** Every InnoDB file, and which of them were not where the backup has them. */
export interface TablespacePlan {
  files: TablespaceFile[];
  moved: TablespaceEntry[];
}

/**
 * The files that the data dictionary names, wherever they are: in the backup all
 * lie in the data directory, where a server finds them by their space id. DDL is
 * locked out, so none comes, goes or shrinks.
 */
export async function planTablespaces(session: Session, info: MysqlInfo): Promise<TablespacePlan> {
  const files = systemFiles(info, false);
  const members = new Set(files.map(({ member }) => member));
  const moved: TablespaceEntry[] = [];
  for (const file of await readDataFiles(session, info)) {
    const member = unused(memberOf(file, info), file, members);
    members.add(member);
    const role = file.undo ? 'undo' : 'table';
    const { path: source, spaceId } = file;
    const planned = tablespaceFile({ source, member, role, mayShrink: false, spaceId });
    if (!planned) throw missing(file);
    files.push(planned);
    const { path: fileName, tablespace: tablespaceName, undo } = file;
    if (undo || isOutside(file, info)) {
      moved.push({ fileName, tablespaceName, type: undo ? 'UNDO_LOG' : 'TABLESPACE' });
    }
  }
  return { files: largestFirst(files), moved };
}

/** The place in the backup, by the names that XtraBackup gives. */
function memberOf(file: DataFile, info: MysqlInfo): string {
  const { path, tablespace, undo } = file;
  // The server looks for these by name before it makes new ones.
  if (undo) return /^undo_\d{3}$/.test(basename(path)) ? basename(path) : `${tablespace}.ibu`;
  if (!isOutside(file, info)) return relative(info.datadir, path);
  if (tablespace.includes('/')) return `${basename(dirname(path))}/${basename(path)}`;
  return `${tablespace}.ibd`;
}

function isOutside({ path }: DataFile, { datadir }: MysqlInfo): boolean {
  return relative(datadir, path).startsWith('..');
}

/** A general tablespace from elsewhere may be called as a file of the data directory is. */
function unused(member: string, { spaceId }: DataFile, taken: ReadonlySet<string>): string {
  if (!taken.has(member)) return member;
  const dot = member.lastIndexOf('.');
  return `${member.slice(0, dot)}-${spaceId}${member.slice(dot)}`;
}

function missing({ path, tablespace }: DataFile): BackupError {
  return new BackupError('access', `${path} of tablespace ${tablespace} is not there`, {
    where: { path },
    hint: 'see --datadir when the data directory is mounted elsewhere here',
  });
}
