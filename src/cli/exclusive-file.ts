import { randomBytes } from 'node:crypto';
import { link, lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError, hasCode, toBackupError } from '../errors.ts';

/**
 * A new file that appears under its name only when it is whole: written beside
 * it under another name until `commit`. An existing file is never replaced.
 */
export class ExclusiveFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /** @throws BackupError storage when something has this name or the folder cannot be written. */
  static async create(path: string): Promise<ExclusiveFile> {
    const temporary = join(dirname(path), `.xbpipe-${randomBytes(8).toString('hex')}.tmp`);
    try {
      await refuseExisting(path);
      return new ExclusiveFile(path, temporary, await open(temporary, 'wx', 0o640));
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        at += (await this.#handle.write(bytes, at)).bytesWritten;
      }
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }

  /** Brings the bytes to disk, then gives the file its name. */
  async commit(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await this.#rename();
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }

  /** Removes what was written; never fails, since it follows a failure that matters more. */
  async abort(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await unlink(this.#temporary).catch(() => undefined);
  }

  /** A hard link refuses to replace a file that came up meanwhile; a rename would not. */
  async #rename(): Promise<void> {
    try {
      await link(this.#temporary, this.#path);
    } catch (error) {
      if (hasCode(error, 'EEXIST')) throw existsError(this.#path, error);
      // A file system without hard links.
      await refuseExisting(this.#path);
      await rename(this.#temporary, this.#path);
      return;
    }
    await unlink(this.#temporary);
  }
}

async function refuseExisting(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  throw existsError(path);
}

function existsError(path: string, cause?: unknown): BackupError {
  return new BackupError('storage', `${path} exists already`, { where: { path }, cause });
}
