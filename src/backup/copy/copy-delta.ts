import {
  type DeltaContent,
  PageRunsEncoder,
  pagesBytesMax,
} from '../../../formats/archive-record/index.ts';
import { blockPagesMax, encodeDeltaHeader } from '../../../formats/delta/index.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import { settleBlocks, settleUnproven } from './block-reader.ts';
import { type BlockFile, type BlockOutput, shrank } from './copy-tablespace.ts';
import type { PageScan } from './page-scan.ts';

/** What became of the changed pages of a file. */
export interface CopiedDelta {
  delta: DeltaContent;
  /** Bytes of the `.delta` file. */
  size: number;
  /** Pages of the data file in it. */
  pages: number;
}

/**
 * Writes the pages that `scan` tells of as a `.delta` file, see formats/delta. A block of it lists
 * its pages before the first of them, and is too long to be kept: so the file is read ahead for
 * the numbers of one block, and then these pages once more. Pages that were not selected cost
 * nothing but the reading.
 */
export async function copyDelta(
  file: BlockFile,
  scan: PageScan,
  output: BlockOutput,
): Promise<CopiedDelta> {
  const { blockSize: pageSize, size } = file;
  const chunks = await PageChunks.begin(output, pageSize);
  const { chunkPages } = chunks;
  // Twice as many chunks as could be needed: only what is far too long is not kept.
  const runs = new PageRunsEncoder(pagesBytesMax * 2 * Math.ceil(1 + size / pageSize / chunkPages));
  const most = blockPagesMax(pageSize);
  // One more than a block takes: only then it is known not to be the last.
  const numbers = new Uint32Array(most + 1);
  let pages = 0;
  let waiting = 0;
  for (let isLast = false; !isLast;) {
    waiting = await scan.collect(numbers, waiting);
    isLast = waiting <= most;
    const block = numbers.subarray(0, isLast ? waiting : most);
    (await chunks.room(1)).set(encodeDeltaHeader(block, { pageSize, isLast }));
    await chunks.add(1);
    await copyPages(file, block, chunks);
    for (const number of block) runs.add(number);
    pages += block.length;
    if (!isLast) [numbers[0], waiting] = [numbers[most] as number, 1];
  }
  await chunks.end();
  const text = runs.end();
  const fits = text !== undefined && text.length <= pagesBytesMax * chunks.count;
  const delta = { fileSize: scan.fileSize, chunkPages, ...(fits && { pages: text }) };
  return { delta, size: chunks.bytes, pages };
}

/** Copies these pages, which ascend, those that lie side by side with one read. */
async function copyPages(file: BlockFile, numbers: Uint32Array, chunks: PageChunks): Promise<void> {
  for (let at = 0; at < numbers.length;) {
    const first = numbers[at] as number;
    let count = 1;
    while (numbers[at + count] === first + count) count += 1;
    const room = await chunks.room(count);
    await readPages(file, first, room);
    count = room.length / file.blockSize;
    await chunks.add(count);
    at += count;
  }
}

/** Reads whole, checked pages from page `first` on into `bytes`. */
async function readPages(file: BlockFile, first: number, bytes: Uint8Array): Promise<void> {
  const { fd, path, blockSize, size, mayShrink, check, isUnproven } = file;
  const position = first * blockSize;
  const got = readFully(fd, bytes, position);
  const whole = got - (got % blockSize);
  if (got < bytes.length) {
    if (!mayShrink) throw shrank(path, size, position + got);
    // Truncated since they were listed: the redo log holds the truncation.
    bytes.fill(0, whole);
  }
  if (!check) return;
  const blocks = { bytes: bytes.subarray(0, whole), position, blockSize };
  await settleBlocks({ fd, path }, blocks, check);
  if (isUnproven) await settleUnproven({ fd, path }, blocks, check, isUnproven);
}

/** Pages on their way out, as many in every chunk but the last. */
class PageChunks {
  readonly chunkPages: number;
  readonly #output: BlockOutput;
  readonly #pageSize: number;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #sent = 0;
  #count = 0;

  private constructor(output: BlockOutput, pageSize: number, buffer: Uint8Array<ArrayBuffer>) {
    this.#output = output;
    this.#pageSize = pageSize;
    this.#buffer = buffer;
    this.chunkPages = Math.floor(buffer.length / pageSize);
  }

  static async begin(output: BlockOutput, pageSize: number): Promise<PageChunks> {
    return new PageChunks(output, pageSize, await output.take());
  }

  /** Chunks that were sent. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#sent + this.#filled;
  }

  /** Memory for the next pages: for `pages` of them or as many as the chunk still takes. */
  async room(pages: number): Promise<Uint8Array> {
    this.#buffer ??= await this.#output.take();
    const end = Math.min(this.#filled + pages * this.#pageSize, this.chunkPages * this.#pageSize);
    return this.#buffer.subarray(this.#filled, end);
  }

  /** So many pages of the room are filled. */
  async add(pages: number): Promise<void> {
    this.#filled += pages * this.#pageSize;
    if (this.#filled === this.chunkPages * this.#pageSize) await this.end();
  }

  async end(): Promise<void> {
    const [buffer, length] = [this.#buffer, this.#filled];
    if (!buffer) return;
    this.#buffer = undefined;
    this.#filled = 0;
    this.#sent += length;
    this.#count += 1;
    await this.#output.send(buffer, length);
  }
}
