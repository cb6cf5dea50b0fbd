import type { PageRun } from '../../../formats/archive-record/index.ts';
import { isBlankPage, pageLsnNumber } from '../../../formats/innodb/index.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import { settleBlocks } from './block-reader.ts';
import { type BlockFile, shrank } from './copy-tablespace.ts';

/** Which pages of a file an increment takes. */
export interface PageSelection {
  /** Those with an LSN of at least this, or with none; 0: every page that is not all zero. */
  sinceLsn: number;
  /** Where to look for them, in ascending order; undefined: everywhere. */
  runs?: Iterable<PageRun> | undefined;
}

/**
 * Reads a file once and tells the numbers of the pages that an increment takes. Every page is
 * checked, taken or not. LSNs of pages only grow, so what was selected once stays selected; what
 * changes behind the scan is in the redo of the backup.
 */
export class PageScan {
  readonly #file: BlockFile;
  readonly #sinceLsn: number;
  readonly #runs: Iterator<PageRun, unknown>;
  readonly #window: Uint8Array;
  readonly #onRead: (bytes: number) => void;
  /** Pages that are still to be read of the run at hand. */
  #run: PageRun = { first: 0, count: 0 };
  /** First page of the window, how many it has, and how many of them were looked at. */
  #first = 0;
  #count = 0;
  #seen = 0;
  #fileSize: number;
  #ended = false;

  /** `window`: memory to read into; `onRead` is told how much each time. */
  constructor(
    file: BlockFile,
    selection: PageSelection,
    window: Uint8Array,
    onRead: (bytes: number) => void = () => undefined,
  ) {
    this.#file = file;
    this.#sinceLsn = selection.sinceLsn;
    const all = [{ first: 0, count: file.size / file.blockSize }];
    this.#runs = (selection.runs ?? all)[Symbol.iterator]();
    this.#window = window.subarray(0, window.length - (window.length % file.blockSize));
    this.#onRead = onRead;
    this.#fileSize = file.size;
  }

  /** Bytes of the file as it was scanned: one that shrinks ends where it ended then. */
  get fileSize(): number {
    return this.#fileSize;
  }

  /** Puts numbers into `numbers` from place `count` on, until it is full or the file ends. */
  async collect(numbers: Uint32Array, count: number): Promise<number> {
    let filled = count;
    while (filled < numbers.length) {
      if (this.#seen === this.#count && !(await this.#readWindow())) break;
      filled = this.#select(numbers, filled);
    }
    return filled;
  }

  #select(numbers: Uint32Array, count: number): number {
    const { blockSize } = this.#file;
    let filled = count;
    for (; this.#seen < this.#count && filled < numbers.length; this.#seen += 1) {
      const at = this.#seen * blockSize;
      if (!this.#isTaken(this.#window.subarray(at, at + blockSize))) continue;
      numbers[filled] = this.#first + this.#seen;
      filled += 1;
    }
    return filled;
  }

  #isTaken(page: Uint8Array): boolean {
    const lsn = pageLsnNumber(page);
    // MariaDB's IMPORT TABLESPACE leaves pages without an LSN; nothing says since when they are there.
    // In any format: what is in the file must be in its copy, bytes that do not count as well.
    if (lsn === 0) return !isBlankPage(page, true);
    return lsn >= this.#sinceLsn;
  }

  /** False at the end of what is to be read. */
  async #readWindow(): Promise<boolean> {
    const { fd, path, blockSize, size, mayShrink, check } = this.#file;
    if (this.#ended || !this.#nextRun()) return false;
    const { first } = this.#run;
    const count = Math.min(this.#run.count, this.#window.length / blockSize);
    const position = first * blockSize;
    const wanted = count * blockSize;
    const got = readFully(fd, this.#window.subarray(0, wanted), position);
    const whole = got - (got % blockSize);
    if (got < wanted) {
      if (!mayShrink) throw shrank(path, size, position + got);
      this.#ended = true;
      this.#fileSize = position + whole;
    }
    const bytes = this.#window.subarray(0, whole);
    if (check) await settleBlocks({ fd, path }, { bytes, position, blockSize }, check);
    this.#onRead(whole);
    this.#run = { first: first + count, count: this.#run.count - count };
    this.#first = first;
    this.#count = whole / blockSize;
    this.#seen = 0;
    return true;
  }

  /** What was appended since the size of the file was taken is in the redo. */
  #nextRun(): boolean {
    const pages = this.#file.size / this.#file.blockSize;
    while (this.#run.count === 0) {
      const next = this.#runs.next();
      if (next.done === true) return false;
      const { first, count } = next.value;
      this.#run = { first, count: Math.max(0, Math.min(count, pages - first)) };
    }
    return true;
  }
}
