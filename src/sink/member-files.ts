import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { MemberOutput } from '../restore/member-output.ts';
import { BackupError, hasCode } from '../errors.ts';
import { PageHoles } from './page-holes.ts';
import type { StagedDirectory } from './staged-directory.ts';
import { withPath } from './with-path.ts';
import { writeFully } from './write-fully.ts';

/** How many closed files may wait for the disk at once. */
const syncsInFlight = 8;

interface OpenFile {
  handle: FileHandle;
  holes: PageHoles | undefined;
}

/** The members of a backup as plain files in a staged directory, fsynced before it is committed. */
export class MemberFiles implements MemberOutput {
  readonly #directory: StagedDirectory;
  readonly #open = new Map<string, OpenFile>();
  readonly #syncing = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;

  constructor(directory: StagedDirectory) {
    this.#directory = directory;
  }

  /** Writes all of `bytes` at `position`; the first write to a path creates it, and it must be new. */
  async write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    const file = await this.#file(path);
    if (position === 0) file.holes = PageHoles.of(path, bytes);
    const runs = file.holes?.runs(position, bytes) ?? [{ position, bytes }];
    for (const run of runs) await withPath(path, () => writeFully(file.handle, run));
  }

  /** Ends a member, which may be empty; `size` is where a hole at its end would end. */
  async close(path: string, size: number): Promise<void> {
    const { handle } = await this.#file(path);
    this.#open.delete(path);
    const synced = withPath(path, async () => {
      const { size: written } = await handle.stat();
      if (written < size) await handle.truncate(size);
      await handle.sync();
      await handle.close();
    })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#syncing.delete(synced));
    this.#syncing.add(synced);
    if (this.#syncing.size >= syncsInFlight) await Promise.race(this.#syncing);
    this.#check();
  }

  async rename(path: string, newPath: string): Promise<void> {
    await this.settle();
    const [from, to] = [await this.#directory.place(path), await this.#directory.place(newPath)];
    await ifThere(path, () => rename(from, to));
  }

  async remove(path: string): Promise<void> {
    await this.settle();
    const place = await this.#directory.place(path);
    await ifThere(path, () => rm(place));
  }

  /** Waits until every closed member is on the disk. */
  async settle(): Promise<void> {
    await Promise.all(this.#syncing);
    this.#check();
  }

  /** Closes what is open, without any claim. Never throws. */
  async abandon(): Promise<void> {
    await Promise.all(this.#syncing);
    for (const { handle } of this.#open.values()) await handle.close().catch(() => undefined);
    this.#open.clear();
  }

  async #file(path: string): Promise<OpenFile> {
    const open = this.#open.get(path);
    if (open) return open;
    const place = await this.#directory.place(path);
    const file = { handle: await withPath(path, () => createFile(place)), holes: undefined };
    this.#open.set(path, file);
    return file;
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** A new file; what exists, a symbolic link included, is never followed or overwritten. */
async function createFile(path: string): Promise<FileHandle> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  return await open(path, O_CREAT + O_EXCL + O_NOFOLLOW + O_WRONLY, 0o640);
}

async function ifThere(path: string, run: () => Promise<void>): Promise<void> {
  await withPath(path, run).catch((error: unknown) => {
    if (!(error instanceof BackupError) || !hasCode(error.cause, 'ENOENT')) throw error;
  });
}
