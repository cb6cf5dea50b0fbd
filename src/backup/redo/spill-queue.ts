import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { toBackupError } from '../../errors.ts';

/**
 * A queue of chunks that never makes its producer wait and never grows in
 * memory: beyond `memoryBytesMax` chunks go to an unlinked temporary file and
 * come back in order. The redo log needs it, because a slow sink may slow the
 * data but never the copying of redo.
 */
export class SpillQueue {
  readonly #memory: Uint8Array<ArrayBuffer>[] = [];
  readonly #directory: string;
  readonly #memoryBytesMax: number;
  #memoryBytes = 0;
  #fd: number | undefined;
  #written = 0;
  #read = 0;
  /** Lengths of the chunks in the file, oldest first. */
  #lengths: number[] = [];

  constructor(directory: string, memoryBytesMax: number) {
    this.#directory = directory;
    this.#memoryBytesMax = memoryBytesMax;
  }

  /** Bytes waiting in the temporary file. */
  get spilledBytes(): number {
    return this.#written - this.#read;
  }

  push(chunk: Uint8Array<ArrayBuffer>): void {
    const fits = this.#memoryBytes + chunk.length <= this.#memoryBytesMax;
    if (this.#lengths.length === 0 && fits) {
      this.#memory.push(chunk);
      this.#memoryBytes += chunk.length;
      return;
    }
    this.#toFile(chunk);
  }

  /** The oldest chunk, or undefined when none waits. */
  shift(): Uint8Array<ArrayBuffer> | undefined {
    const chunk = this.#memory.shift();
    if (chunk) {
      this.#memoryBytes -= chunk.length;
      return chunk;
    }
    return this.#fromFile();
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #toFile(chunk: Uint8Array): void {
    try {
      this.#fd ??= openUnlinked(this.#directory);
      for (let done = 0; done < chunk.length;) {
        done += writeSync(this.#fd, chunk, done, chunk.length - done, this.#written + done);
      }
    } catch (error) {
      if (error instanceof Error) Object.assign(error, { path: `${this.#directory} (redo spool)` });
      throw toBackupError(error, 'storage');
    }
    this.#written += chunk.length;
    this.#lengths.push(chunk.length);
  }

  #fromFile(): Uint8Array<ArrayBuffer> | undefined {
    const length = this.#lengths.shift();
    if (length === undefined || this.#fd === undefined) return undefined;
    const chunk = new Uint8Array(length);
    for (let done = 0; done < length;) {
      done += readSync(this.#fd, chunk, done, length - done, this.#read + done);
    }
    this.#read += length;
    if (this.#read === this.#written) {
      ftruncateSync(this.#fd, 0);
      this.#read = 0;
      this.#written = 0;
    }
    return chunk;
  }
}

function openUnlinked(directory: string): number {
  const private_ = mkdtempSync(join(directory, 'xbpipe-redo-'));
  try {
    return openSync(join(private_, 'spool'), 'wx+', 0o600);
  } finally {
    rmSync(private_, { recursive: true });
  }
}
