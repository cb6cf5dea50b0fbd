import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, toBackupError } from '../../errors.ts';

/** Database directories of a data directory; their names are in the server's file name encoding. */
export function listDatabases(datadir: string, ignored?: ReadonlySet<string>): string[] {
  return readDirectory(datadir)
    .filter(({ name }) => !/^[.#]/.test(name) && name !== 'lost+found')
    .filter(({ name }) => !ignored?.has(name))
    .filter((entry) => isDirectory(entry, join(datadir, entry.name)))
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
