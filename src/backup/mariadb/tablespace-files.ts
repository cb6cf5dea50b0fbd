import { type Dirent, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { BackupError, hasCode, toBackupError } from '../../errors.ts';
import type { ServerInfo } from '../../server/server-info.ts';
import type { CopyJob } from '../copy/copy-messages.ts';

/** One data file of InnoDB and its place in the backup. */
export interface TablespaceFile extends CopyJob {
  kind: 'tablespace';
  role: 'system' | 'undo' | 'table';
  size: number;
}

/** Every InnoDB file: system tablespace, undo tablespaces, tables. The largest come first. */
export function listTablespaceFiles(info: ServerInfo): TablespaceFile[] {
  return [...systemFiles(info), ...undoFiles(info), ...tableFiles(info)].sort(
    (a, b) => b.size - a.size,
  );
}

/** Files of tables alone: what DDL can change. */
export function tableFiles(info: ServerInfo): TablespaceFile[] {
  const files: TablespaceFile[] = [];
  for (const database of listDatabases(info)) {
    for (const entry of readDirectory(join(info.datadir, database))) {
      const path = join(info.datadir, database, entry.name);
      const isLink = entry.name.endsWith('.isl');
      if (!isLink && !entry.name.endsWith('.ibd')) continue;
      const member = `${database}/${isLink ? `${entry.name.slice(0, -4)}.ibd` : entry.name}`;
      const file = tablespaceFile(isLink ? linkTarget(path) : path, member, 'table');
      if (file) files.push(file);
    }
  }
  return files;
}

/** Database directories; their names are in the server's file name encoding. */
export function listDatabases(info: ServerInfo): string[] {
  return readDirectory(info.datadir)
    .filter(({ name }) => !/^[.#]/.test(name) && name !== 'lost+found')
    .filter(({ name }) => !info.ignoredDirectories.has(name))
    .filter((entry) => isDirectory(entry, join(info.datadir, entry.name)))
    .map(({ name }) => name);
}

/** The entries of a directory; none when it is gone, as a dropped database is. */
export function readDirectory(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw toBackupError(error, 'access');
  }
}

/** Databases may be symbolic links to other disks. */
function isDirectory(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** `ibdata1:12M;/disk2/ibdata2:1G:autoextend`: only names matter, the files say their sizes. */
function systemFiles(info: ServerInfo): TablespaceFile[] {
  return info.dataFilePath.split(';').map((part) => {
    const [name = ''] = part.split(':');
    if (/:\s*\d+[KMG]?(new)?raw/i.test(part)) {
      throw new BackupError('failed', `the system tablespace is on a raw device (${name})`, {
        hint: 'raw devices are not supported',
      });
    }
    const path = resolve(info.dataHome, name);
    const file = tablespaceFile(path, basename(name), 'system');
    if (!file) throw new BackupError('access', `${path} of innodb_data_file_path is not there`);
    return file;
  });
}

function undoFiles(info: ServerInfo): TablespaceFile[] {
  return readDirectory(info.undoDirectory)
    .filter(({ name }) => /^undo\d{3}$/.test(name))
    .map(({ name }) => tablespaceFile(join(info.undoDirectory, name), name, 'undo'))
    .filter((file) => file !== undefined);
}

function tablespaceFile(
  source: string,
  member: string,
  role: TablespaceFile['role'],
): TablespaceFile | undefined {
  const stat = source === '' ? undefined : statSync(source, { throwIfNoEntry: false });
  if (!stat) return undefined;
  const { size } = stat;
  return { kind: 'tablespace', source, member, role, size, mayShrink: role !== 'table' };
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
