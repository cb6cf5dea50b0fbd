import { constants } from 'node:fs';
import { access, readdir, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BackupError, hasCode, toBackupError } from '../errors.ts';

/** Whether a new or empty directory could be made here; returns the bytes that are free there. */
export async function probeDirectory(path: string): Promise<number> {
  try {
    const found = (await entries(path))?.filter((name) => name !== 'lost+found') ?? [];
    if (found.length > 0) {
      throw new BackupError('storage', `${path} is not empty (it holds ${found[0]})`, {
        where: { path },
      });
    }
    let existing = resolve(path);
    while ((await entries(existing)) === undefined) existing = dirname(existing);
    await access(existing, constants.W_OK);
    const { bavail, bsize } = await statfs(existing);
    return bavail * bsize;
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}

async function entries(path: string): Promise<string[] | undefined> {
  return await readdir(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
}
