import { randomUUID } from 'node:crypto';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackupError, hasCode, toBackupError } from '../errors.ts';
import { alreadyThere } from './already-there.ts';
import { syncDirectory } from './sync-directory.ts';

/**
 * Writes a small file, durably and in one go: it has its name when all of it is on the disk, and
 * not before. One that exists is never overwritten.
 *
 * @throws BackupError storage; there is no file then, unless it was there before.
 */
export async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    try {
      await writeDurably(temporary, bytes);
      await giveName(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    await syncDirectory(dirname(path));
  } catch (error) {
    throw toBackupError(error instanceof BackupError ? error : named(error, path), 'storage');
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o640);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename would overwrite; it has to do where a file system has no links (FAT, some shares). */
async function giveName(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(error, code))) {
      throw error;
    }
    if (await lstat(path).then(() => true, ifAbsent)) {
      throw alreadyThere(path);
    }
    await rename(temporary, path);
  }
}

function ifAbsent(error: unknown): false {
  if (hasCode(error, 'ENOENT')) return false;
  throw error;
}

/** Nobody knows the temporary name. */
function named(error: unknown, path: string): unknown {
  return error instanceof Error ? Object.assign(error, { path }) : error;
}
