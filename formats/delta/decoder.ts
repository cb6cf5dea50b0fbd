import { ByteQueue } from '../byte-queue.ts';
import { FormatError } from '../format-error.ts';
import { dataView } from '../layout.ts';
import { StickyFailure } from '../sticky-failure.ts';
import { blockHeader, blockPagesMax, lastMagic, listEnd, moreMagic, pageEntry } from './block.ts';
import { checkPageSize } from './page-size.ts';

export interface DeltaPage {
  /** Where the page belongs in the data file, counted in pages. */
  pageNumber: number;
  /** Of the first byte of the page in the delta. */
  offset: number;
  /** The page, as long as the page size. May share memory with what was pushed. */
  bytes: Uint8Array;
}

const none = new Uint32Array(0);

/**
 * Takes the pages out of a `.delta` file. Give it input with `push`, take pages with `next` until
 * it returns undefined, and call `end` behind the last input. It holds the page numbers of one
 * block (at most 64 KiB) and what was pushed. Whether a page is whole or belongs to the data
 * file at all is not looked at. After a failure it fails the same way again.
 */
export class DeltaDecoder {
  readonly #pageSize: number;
  readonly #queue = new ByteQueue();
  /** Blocks begun so far; the first is block 1. */
  #blocks = 0;
  /** Of the block that is read, and how many of its pages were handed out. */
  #pageNumbers = none;
  #given = 0;
  #isLast = false;
  /** The newest page number of all that were listed. */
  #newest = -1;
  readonly #failure = new StickyFailure();

  /**
   * `pageSize` is that of the `.meta` file, in bytes.
   * @throws FormatError invalid when no page has this size.
   */
  constructor(pageSize: number) {
    checkPageSize(pageSize, 'delta > page size', 0);
    this.#pageSize = pageSize;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /**
   * The next page, or undefined when more input is needed or the last page was read.
   * @throws FormatError invalid when the file is damaged.
   */
  next(): DeltaPage | undefined {
    return this.#failure.run(() => {
      while (this.#given === this.#pageNumbers.length) {
        if (this.#isLast) {
          this.#checkNothingFollows();
          return undefined;
        }
        if (!this.#readHeader()) return undefined;
      }
      if (this.#queue.available < this.#pageSize) return undefined;
      const pageNumber = this.#pageNumbers[this.#given] as number;
      const offset = this.#queue.position;
      this.#given += 1;
      return { pageNumber, offset, bytes: this.#queue.take(this.#pageSize) };
    });
  }

  /** @throws FormatError truncated when pages or blocks are missing. */
  end(): void {
    this.#failure.run(() => {
      const missing = this.#pageNumbers.length - this.#given;
      if (this.#isLast && missing === 0) {
        this.#checkNothingFollows();
        return;
      }
      const stop = this.#queue.position + this.#queue.available;
      const count = this.#pageNumbers.length;
      const [block, field, message] =
        missing > 0
          ? [this.#blocks, `page ${this.#pageNumbers[this.#given]}`, `${missing} of ${count} pages`]
          : [this.#blocks + 1, this.#headerFieldAtEnd(), 'the header page'];
      const text = `the file ends, ${message} missing`;
      throw new FormatError('truncated', `delta block ${block} > ${field}`, stop, text);
    });
  }

  /** False when the header page is not all there. */
  #readHeader(): boolean {
    const magic = this.#queue.peek(Math.min(blockHeader.size, this.#queue.available));
    const isLast = magic[0] === lastMagic[0];
    const wanted = isLast ? lastMagic : moreMagic;
    if (!magic.every((byte, index) => byte === wanted[index])) {
      throw this.#invalid('magic', 0, 'no block of pages');
    }
    if (this.#queue.available < this.#pageSize) return false;
    this.#pageNumbers = this.#readPageNumbers(this.#queue.peek(this.#pageSize), isLast);
    this.#newest = this.#pageNumbers.at(-1) ?? this.#newest;
    this.#queue.take(this.#pageSize);
    this.#given = 0;
    this.#isLast = isLast;
    this.#blocks += 1;
    return true;
  }

  #readPageNumbers(header: Uint8Array, isLast: boolean): Uint32Array<ArrayBuffer> {
    const view = dataView(header);
    const most = blockPagesMax(this.#pageSize);
    const numbers = new Uint32Array(most);
    let newest = this.#newest;
    for (let index = 0; index < most; index += 1) {
      const at = blockHeader.size + index * pageEntry.size;
      const number = view.getUint32(at);
      if (number === listEnd) {
        if (!isLast) throw this.#invalid('page numbers', at, `${index} of ${most} pages`);
        this.#checkZero(header, at + pageEntry.size);
        return numbers.slice(0, index);
      }
      // Both tools write as they read the file, from its front to its end.
      if (number <= newest) {
        throw this.#invalid('page numbers', at, `page ${number} behind page ${newest}`);
      }
      numbers[index] = number;
      newest = number;
    }
    return numbers;
  }

  #checkZero(header: Uint8Array, from: number): void {
    const at = header.findIndex((byte, index) => index >= from && byte !== 0);
    if (at >= 0) throw this.#invalid('rest', at, 'bytes behind the page numbers');
  }

  #checkNothingFollows(): void {
    if (this.#queue.available === 0) return;
    const field = `delta block ${this.#blocks} > end`;
    throw new FormatError('invalid', field, this.#queue.position, 'bytes behind the last block');
  }

  #headerFieldAtEnd(): string {
    return this.#queue.available < blockHeader.size ? 'magic' : 'page numbers';
  }

  /** In the header that is read; `at` counts from its first byte. */
  #invalid(field: string, at: number, message: string): FormatError {
    const path = `delta block ${this.#blocks + 1} > ${field}`;
    return new FormatError('invalid', path, this.#queue.position + at, message);
  }
}
