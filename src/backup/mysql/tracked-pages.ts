import { createReadStream } from 'node:fs';
import {
  SparsePages,
  type PageSegments,
  PageTrackDecoder,
} from '../../../formats/page-track/index.ts';
import { BackupError, toBackupError } from '../../errors.ts';
import type { TrackedPages } from '../../server/mysql/page-tracking.ts';

/** Pages that the server wrote, by space id. */
export type ChangedPages = ReadonlyMap<number, PageSegments>;

/**
 * Bitmaps that are kept, of 512 bytes and what V8 needs for each: enough for 8 TiB of 16 KiB pages
 * or for so many small tables. Whoever has more reads every page.
 */
const segmentsMax = 131_072;

/** Reads a list of the server's, as it stands in its file. */
export async function readTrackedPages({ path, entriesMin }: TrackedPages): Promise<ChangedPages> {
  const pages = new PagesBySpace();
  if (path !== undefined) await readList(path, pages);
  if (pages.entries >= entriesMin) return pages.segments();
  throw new BackupError(
    'failed',
    `the server's list of written pages has ${pages.entries} of ${entriesMin} entries`,
    path === undefined ? {} : { where: { path } },
  );
}

async function readList(path: string, pages: PagesBySpace): Promise<void> {
  const decoder = new PageTrackDecoder();
  try {
    for await (const piece of createReadStream(path)) {
      decoder.push(piece as Uint8Array);
      for (let ids = decoder.next(); ids; ids = decoder.next()) pages.add(ids);
    }
    decoder.end();
  } catch (error) {
    throw toBackupError(error, 'access');
  }
}

/** Sorts page ids into sets. */
class PagesBySpace {
  readonly #sets = new Map<number, SparsePages>();
  #segments = 0;
  entries = 0;

  /** `ids`: space and page by turns. */
  add(ids: Uint32Array): void {
    for (let at = 0; at < ids.length; at += 2) {
      const set = this.#setOf(ids[at] as number);
      const before = set.segments.size;
      set.add(ids[at + 1] as number);
      this.#segments += set.segments.size - before;
      if (this.#segments > segmentsMax) throw tooMany();
    }
    this.entries += ids.length / 2;
  }

  segments(): ChangedPages {
    return new Map([...this.#sets].map(([spaceId, set]) => [spaceId, set.segments]));
  }

  #setOf(spaceId: number): SparsePages {
    const known = this.#sets.get(spaceId);
    if (known) return known;
    const set = new SparsePages();
    this.#sets.set(spaceId, set);
    return set;
  }
}

function tooMany(): BackupError {
  return new BackupError('failed', 'the server wrote pages all over: too many places to remember');
}
