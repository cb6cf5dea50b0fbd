import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { PageHoles } from '../sink/page-holes.ts';
import { withPath } from '../sink/with-path.ts';
import { inParallel } from '../worker/in-parallel.ts';
import type { FinalFile } from './plan-chain.ts';

/** How many files wait for the disk at once. */
const syncsInFlight = 8;

/** Where files come to be: makes the parents of one and returns its place on the disk. */
export type PlaceFile = (path: string) => Promise<string>;

/** The files that a chain makes, while the pages of its links come. */
export class ChainFiles {
  readonly #place: PlaceFile;
  readonly #created = new Set<FinalFile>();
  /** Of files of which a page 0 came. */
  readonly #holes = new Map<FinalFile, PageHoles | undefined>();

  constructor(place: PlaceFile) {
    this.#place = place;
  }

  /** A file for writing; the first time it must be new. */
  async open(file: FinalFile): Promise<FileHandle> {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
    const isNew = !this.#created.has(file);
    this.#created.add(file);
    const place = await this.#place(file.path);
    const flags = O_NOFOLLOW + O_RDWR + (isNew ? O_CREAT + O_EXCL : 0);
    return await withPath(file.path, () => open(place, flags, 0o640));
  }

  /** Bytes of a page 0 came, which tell whether the file has holes. */
  learn(file: FinalFile, page0: Uint8Array): void {
    if (this.#holes.get(file) === undefined) this.#holes.set(file, PageHoles.of(file.path, page0));
  }

  /** Where a page may have been written before, a hole of it is not left as it is. */
  holesOf(file: FinalFile): PageHoles | undefined {
    return file.writtenOnce ? this.#holes.get(file) : undefined;
  }

  /** Gives every file its length and brings it to the disk. */
  async finish(files: readonly FinalFile[], signal?: AbortSignal): Promise<void> {
    await inParallel([...files], syncsInFlight, async (file) => {
      signal?.throwIfAborted();
      const handle = await this.open(file);
      try {
        await withPath(file.path, async () => {
          await handle.truncate(file.size);
          await handle.sync();
        });
      } finally {
        await handle.close();
      }
    });
  }
}
