import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beginName, manifestName } from '../../formats/archive-record/index.ts';
import { acceptedNames } from '../../formats/metadata/index.ts';
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
  /** Names that were moved up, in that order. */
  readonly #moved: string[] = [];
  #committing: Promise<void> | undefined;
  #givenUp = false;

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

  /**
   * Does the last work in the stage, then moves everything up. Every file was fsynced by who wrote
   * it; here the directories are.
   */
  async commit(lastWork: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    this.#goOn();
    this.#committing = this.#commit(lastWork);
    await this.#committing;
  }

  /** Keeps what is not committed from being it; waits for a commit that has begun. Never throws. */
  async giveUp(): Promise<void> {
    this.#givenUp = true;
    await this.#committing?.catch(() => undefined);
  }

  /** Removes all that was written, were it committed meanwhile. Never throws. */
  async discard(): Promise<void> {
    await this.giveUp();
    // What cannot be taken back stays as it is: half of it would be of no use to anyone.
    if (!(await this.#moveBack())) return;
    await rm(this.stage, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Removes the stage when nothing came into it; tells whether it did. */
  async discardEmpty(): Promise<boolean> {
    return await rmdir(this.stage).then(
      () => true,
      () => false,
    );
  }

  async #commit(lastWork: () => Promise<void>): Promise<void> {
    try {
      await lastWork();
      const names = lastTellingNames(await readdir(this.stage));
      for (const name of names) await this.#refuseExisting(name);
      for (const directory of this.#directories) {
        this.#goOn();
        // Whoever worked in the stage may have removed one: that of a dropped database.
        if (existsSync(directory)) await syncDirectory(directory);
      }
      await this.#moveUp(names);
      await rmdir(this.stage);
      await syncDirectory(this.target);
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }

  /** All of them or none. */
  async #moveUp(names: readonly string[]): Promise<void> {
    try {
      for (const name of names) {
        this.#goOn();
        await rename(join(this.stage, name), join(this.target, name));
        this.#moved.push(name);
      }
    } catch (error) {
      await this.#moveBack();
      throw error;
    }
  }

  /** What makes it a backup goes first. Tells whether all of it is back in the stage. */
  async #moveBack(): Promise<boolean> {
    try {
      if (this.#moved.length > 0) await mkdir(this.stage, { recursive: true, mode: 0o750 });
      for (let name = this.#moved.at(-1); name !== undefined; name = this.#moved.at(-1)) {
        await rename(join(this.target, name), join(this.stage, name));
        this.#moved.pop();
      }
      return true;
    } catch {
      return false;
    }
  }

  #goOn(): void {
    if (this.#givenUp) throw new BackupError('failed', `${this.target} was given up`);
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

/** A directory is taken for a backup by these, whatever their suffixes: they come when all else is there. */
const telling = [beginName, manifestName, ...acceptedNames.checkpoints];

function lastTellingNames(names: readonly string[]): string[] {
  const tells = (name: string): boolean => telling.some((start) => name.startsWith(start));
  return [...names.filter((name) => !tells(name)), ...names.filter(tells)];
}
