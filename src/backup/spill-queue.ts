import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { toBackupError } from '../errors.ts';

type Chunk = Uint8Array<ArrayBuffer>;

/** A file is closed, and its space free again, when this much of it was written and all of that read. */
const segmentBytes = 64 * 1024 * 1024;

/** An unlinked temporary file that is written once, read once and dropped. */
interface Segment {
  fd: number;
  written: number;
  read: number;
  /** Lengths of the chunks that wait in it, oldest first. */
  lengths: number[];
}

/**
 * A queue of chunks that never makes its producer wait and never grows in
 * memory: beyond `memoryBytesMax` chunks go to unlinked temporary files and come
 * back in order. For what must be read at once, however slow the sink is: the
 * redo log, and the last bytes of files while commits are held off.
 */
export class SpillQueue {
  readonly #memory: Chunk[] = [];
  readonly #directory: string;
  readonly #memoryBytesMax: number;
  readonly #segments: Segment[] = [];
  #memoryBytes = 0;

  constructor(directory: string, memoryBytesMax: number) {
    this.#directory = directory;
    this.#memoryBytesMax = memoryBytesMax;
  }

  /** Bytes waiting in temporary files. */
  get spilledBytes(): number {
    return this.#segments.reduce((sum, { written, read }) => sum + written - read, 0);
  }

  push(chunk: Chunk): void {
    const fits = this.#memoryBytes + chunk.length <= this.#memoryBytesMax;
    if (this.#segments.length === 0 && fits) {
      this.#memory.push(chunk);
      this.#memoryBytes += chunk.length;
      return;
    }
    this.#toFile(chunk);
  }

  /** The oldest chunk, or undefined when none waits. */
  shift(): Chunk | undefined {
    const chunk = this.#memory.shift();
    if (chunk) {
      this.#memoryBytes -= chunk.length;
      return chunk;
    }
    return this.#fromFile();
  }

  close(): void {
    for (const { fd } of this.#segments.splice(0)) closeSync(fd);
  }

  #toFile(chunk: Chunk): void {
    try {
      const segment = this.#segmentToWrite();
      for (let done = 0; done < chunk.length;) {
        done += writeSync(segment.fd, chunk, done, chunk.length - done, segment.written + done);
      }
      segment.written += chunk.length;
      segment.lengths.push(chunk.length);
    } catch (error) {
      if (error instanceof Error) Object.assign(error, { path: `${this.#directory} (redo spool)` });
      throw toBackupError(error, 'storage');
    }
  }

  #segmentToWrite(): Segment {
    const last = this.#segments.at(-1);
    if (last && last.written < segmentBytes) return last;
    const segment = { fd: openUnlinked(this.#directory), written: 0, read: 0, lengths: [] };
    this.#segments.push(segment);
    return segment;
  }

  #fromFile(): Chunk | undefined {
    const [segment] = this.#segments;
    const length = segment?.lengths.shift();
    if (segment === undefined || length === undefined) return undefined;
    const chunk = new Uint8Array(length);
    for (let done = 0; done < length;) {
      done += readSync(segment.fd, chunk, done, length - done, segment.read + done);
    }
    segment.read += length;
    if (segment.lengths.length === 0) {
      this.#segments.shift();
      closeSync(segment.fd);
    }
    return chunk;
  }
}

function openUnlinked(directory: string): number {
  const own = mkdtempSync(join(directory, 'xbpipe-redo-'));
  try {
    return openSync(join(own, 'spool'), 'wx+', 0o600);
  } finally {
    rmSync(own, { recursive: true });
  }
}
