import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError, hasCode, toBackupError } from '../errors.ts';
import { alreadyThere } from '../store/already-there.ts';
import { stageName } from '../store/stage-name.ts';
import { syncDirectory } from '../store/sync-directory.ts';

/**
 * A directory that fills up out of sight: everything is written below
 * `xbpipe-partial` inside it and moved up when it is complete, by renames on
 * one file system. Whatever stops half-way leaves nothing that looks done.
 */
export class StagedDirectory {
  /** The directory that was asked for. */
  readonly target: string;
  /** Where to write until `commit`. */
  readonly stage: string;
  readonly #checkedNames = new Set<string>();
  readonly #directories = new Set<string>();

  private constructor(target: string) {
    this.target = target;
    this.stage = join(target, stageName);
  }

  /** `empty`: refuse a directory that holds anything (`lost+found` of a fresh file system aside). */
  static async create(target: string, options: { empty: boolean }): Promise<StagedDirectory> {
    const directory = new StagedDirectory(target);
    try {
      await mkdir(target, { recursive: true, mode: 0o750 });
      const found = (await readdir(target)).filter((name) => name !== 'lost+found');
      if (found.includes(stageName)) {
        throw new BackupError('storage', `${directory.stage} is there from an unfinished run`, {
          hint: 'nothing in it is a backup; remove it, then try again',
          where: { path: directory.stage },
        });
      }
      if (options.empty && found.length > 0) {
        throw new BackupError('storage', `${target} is not empty (it holds ${found[0]})`, {
          hint: 'name an empty or new directory; nothing is ever overwritten',
          where: { path: target },
        });
      }
      await mkdir(directory.stage, { mode: 0o750 });
      return directory;
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }

  /** Makes the parents of a member below the stage and refuses what exists in the target. */
  async place(memberPath: string): Promise<string> {
    const top = memberPath.split('/', 1)[0] ?? memberPath;
    if (!this.#checkedNames.has(top)) {
      await this.#refuseExisting(top);
      this.#checkedNames.add(top);
    }
    const path = join(this.stage, memberPath);
    const parent = dirname(path);
    if (!this.#directories.has(parent)) {
      await mkdir(parent, { recursive: true, mode: 0o750 });
      for (let made = parent; made !== dirname(this.stage); made = dirname(made)) {
        this.#directories.add(made);
      }
    }
    return path;
  }

  /** Moves everything up. Every file was fsynced by who wrote it; here the directories are. */
  async commit(): Promise<void> {
    try {
      const names = await readdir(this.stage);
      for (const name of names) await this.#refuseExisting(name);
      for (const directory of this.#directories) {
        // Whoever worked in the stage may have removed one: that of a dropped database.
        if (existsSync(directory)) await syncDirectory(directory);
      }
      for (const name of names) await rename(join(this.stage, name), join(this.target, name));
      await rmdir(this.stage);
      await syncDirectory(this.target);
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }

  /** Removes what was written. Never throws. */
  async discard(): Promise<void> {
    await rm(this.stage, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Removes the stage when nothing came into it; tells whether it did. */
  async discardEmpty(): Promise<boolean> {
    return await rmdir(this.stage).then(
      () => true,
      () => false,
    );
  }

  async #refuseExisting(name: string): Promise<void> {
    const path = join(this.target, name);
    const there = await lstat(path).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw toBackupError(error, 'storage');
    });
    if (!there) return;
    throw alreadyThere(path);
  }
}
