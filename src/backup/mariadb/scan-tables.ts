import { closeSync, fstatSync, openSync } from 'node:fs';
import { hasCode, toBackupError } from '../../errors.ts';
import type { MariadbInfo } from '../../server/mariadb/mariadb-info.ts';
import { identifyLiveSpace } from '../copy/copy-tablespace.ts';
import type { SpaceFile } from './ddl-changes.ts';
import type { TablespaceFile } from '../plan/tablespace-file.ts';
import { tableFiles } from './tablespace-files.ts';

/** The table files that are there now, each with what it is recognised by. */
export async function scanTables(info: MariadbInfo): Promise<(TablespaceFile & SpaceFile)[]> {
  const found: (TablespaceFile & SpaceFile)[] = [];
  for (const file of tableFiles(info)) {
    const identity = await identify(file.source);
    if (identity) found.push({ ...file, ...identity });
  }
  return found;
}

async function identify(path: string): Promise<Omit<SpaceFile, 'member'> | undefined> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw toBackupError(error, 'access');
  }
  try {
    const { dev: device, ino: inode, birthtimeMs: bornMs } = fstatSync(fd);
    const identity = await identifyLiveSpace(fd, path, 'mariadb');
    return { device, inode, bornMs, spaceId: identity?.spaceId };
  } finally {
    closeSync(fd);
  }
}
