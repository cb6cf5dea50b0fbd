import type { PageRun } from '../archive-record/index.ts';

/** Pages that share a bitmap: 64 MiB of a tablespace with pages of 16 KiB. */
const segmentPages = 4096;

/** Bytes of a bitmap. */
export const segmentBytes = segmentPages / 8;

/** Bitmaps by page number / 4096, none where no page is; plain data, so it can go to a thread. */
export type PageSegments = ReadonlyMap<number, Uint8Array>;

/** Pages of one tablespace, a bit each: a list has the same page many times and in no order. */
export class SparsePages {
  readonly #segments = new Map<number, Uint8Array<ArrayBuffer>>();
  /** The segment that was used last: pages come in clusters. */
  #key = -1;
  #segment = new Uint8Array(0);

  get segments(): PageSegments {
    return this.#segments;
  }

  add(page: number): void {
    const key = Math.floor(page / segmentPages);
    if (key !== this.#key) this.#use(key);
    const bit = page % segmentPages;
    this.#segment[bit >> 3] = (this.#segment[bit >> 3] ?? 0) | (1 << (bit & 7));
  }

  #use(key: number): void {
    const known = this.#segments.get(key);
    this.#segment = known ?? new Uint8Array(segmentBytes);
    if (known === undefined) this.#segments.set(key, this.#segment);
    this.#key = key;
  }
}

/** How many pages there are. */
export function countPages(segments: PageSegments): number {
  let pages = 0;
  for (const { count } of pageRuns(segments)) pages += count;
  return pages;
}

/**
 * The pages from page `first` on in ascending runs, each as long as can be, counted from there: a
 * file may hold the second half of a tablespace.
 */
export function* pageRuns(segments: PageSegments, first = 0): Generator<PageRun> {
  let run: PageRun | undefined;
  for (const page of pagesOf(segments)) {
    if (page < first) continue;
    if (run && page - first === run.first + run.count) {
      run.count += 1;
      continue;
    }
    if (run) yield run;
    run = { first: page - first, count: 1 };
  }
  if (run) yield run;
}

function* pagesOf(segments: PageSegments): Generator<number> {
  for (const key of [...segments.keys()].sort((a, b) => a - b)) {
    const segment = segments.get(key) ?? new Uint8Array(0);
    for (let at = 0; at < segment.length; at += 1) {
      for (let bit = 0, rest = segment[at] ?? 0; rest > 0; bit += 1, rest >>= 1) {
        if ((rest & 1) === 1) yield key * segmentPages + at * 8 + bit;
      }
    }
  }
}
