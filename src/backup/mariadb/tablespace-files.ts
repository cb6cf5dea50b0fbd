import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, toBackupError } from '../../errors.ts';
import type { MariadbInfo } from '../../server/mariadb/mariadb-info.ts';
import { listDatabases, readDirectory } from '../plan/directories.ts';
import { systemFiles } from '../plan/system-files.ts';
import { type TablespaceFile, largestFirst, tablespaceFile } from '../plan/tablespace-file.ts';

/** Every InnoDB file: system tablespace, undo tablespaces, tables. The largest come first. */
export function listTablespaceFiles(info: MariadbInfo): TablespaceFile[] {
  return largestFirst([...systemFiles(info, true), ...undoFiles(info), ...tableFiles(info)]);
}

/** Files of tables alone: what DDL can change. */
export function tableFiles(info: MariadbInfo): TablespaceFile[] {
  const files: TablespaceFile[] = [];
  for (const database of listDatabases(info.datadir, info.ignoredDirectories)) {
    for (const entry of readDirectory(join(info.datadir, database))) {
      const path = join(info.datadir, database, entry.name);
      const isLink = entry.name.endsWith('.isl');
      if (!isLink && !entry.name.endsWith('.ibd')) continue;
      const member = `${database}/${isLink ? `${entry.name.slice(0, -4)}.ibd` : entry.name}`;
      const source = isLink ? linkTarget(path) : path;
      const file = tablespaceFile({ source, member, role: 'table', mayShrink: false });
      if (file) files.push(file);
    }
  }
  return files;
}

/** They are truncated now and then, while they are copied as well. */
function undoFiles(info: MariadbInfo): TablespaceFile[] {
  return readDirectory(info.undoDirectory)
    .filter(({ name }) => /^undo\d{3}$/.test(name))
    .map(({ name: member }) => ({ source: join(info.undoDirectory, member), member }))
    .map((file) => tablespaceFile({ ...file, role: 'undo', mayShrink: true }))
    .filter((file) => file !== undefined);
}

/** An .isl file holds the path of a table's file elsewhere (DATA DIRECTORY); it may just be gone. */
function linkTarget(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw toBackupError(error, 'access');
  }
}
