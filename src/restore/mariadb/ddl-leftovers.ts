import { existsSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { safeMemberPath } from '../../archive/member-path.ts';
import { BackupError, hasCode } from '../../errors.ts';

const movedSuffix = '.xbpipe-moved';

/**
 * Finishes what DDL did while the tables were copied: `t.del` says that `t.ibd` is
 * gone, `t.ren` that it is called otherwise, `t.new` is a table made or made anew
 * since. In this order, and renames in two steps because tables may have
 * swapped names. May be run again after an interruption.
 */
export function resolveLeftovers(directory: string): number {
  const deleted = filesWith(directory, '.del');
  for (const path of deleted) {
    rmSync(swap(path, '.del', '.ibd'), { force: true });
    rmSync(path);
  }
  const renamed = filesWith(directory, '.ren');
  for (const path of renamed) {
    moveAside(directory, path);
    rmSync(path);
  }
  for (const path of filesWith(directory, movedSuffix)) {
    renameSync(path, swap(path, movedSuffix, '.ibd'));
  }
  const created = filesWith(directory, '.new');
  for (const path of created) renameSync(path, swap(path, '.new', '.ibd'));
  removeEmptied(directory);
  return deleted.length + renamed.length + created.length;
}

/** A directory without any file was a database that was dropped: an empty one has its `db.opt`. */
function removeEmptied(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === 'lost+found') continue;
    try {
      rmdirSync(join(directory, entry.name));
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY')) throw error;
    }
  }
}

function moveAside(directory: string, marker: string): void {
  const name = readFileSync(marker, 'utf8').trim();
  const target = join(directory, safeMemberPath(name, 0)) + movedSuffix;
  const source = swap(marker, '.ren', '.ibd');
  if (existsSync(source)) renameSync(source, target);
  else if (!existsSync(target)) {
    throw new BackupError('corrupt', `${source} is not there, but ${marker} renames it`, {
      where: { path: source },
    });
  }
}

/** Files of databases: they lie one level down. */
function filesWith(directory: string, suffix: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) =>
      readdirSync(join(directory, name)).map((file) => join(directory, name, file)),
    )
    .filter((path) => path.endsWith(suffix));
}

function swap(path: string, suffix: string, replacement: string): string {
  return path.slice(0, -suffix.length) + replacement;
}
