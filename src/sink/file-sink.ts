import { close, fsync, open, writev } from 'node:fs';
import { promisify } from 'node:util';
import { hasCode, toBackupError } from '../errors.ts';
import type { ByteSink } from './byte-sink.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fsync);

/** How long to wait before a descriptor that takes nothing right now is tried again. */
const busyMs = 1;

/** A file; one that it created is fsynced when closed. */
export class FileSink implements ByteSink {
  readonly name: string;
  readonly #fd: number;
  /** To be closed by us, once: its number is soon that of another file. */
  #owned: boolean;
  #writing: Promise<void> = Promise.resolve();

  private constructor(name: string, fd: number, owned: boolean) {
    this.name = name;
    this.#fd = fd;
    this.#owned = owned;
  }

  /** Creates the file; it must not exist. */
  static async create(path: string): Promise<FileSink> {
    try {
      return new FileSink(path, await openFile(path, 'wx', 0o640), true);
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }

  /** A descriptor that the caller was given, such as a redirected standard output: written where it stands, left open. */
  static inherited(name: string, fd: number): FileSink {
    return new FileSink(name, fd, false);
  }

  async write(buffers: Uint8Array[]): Promise<void> {
    this.#writing = this.#writeAll(buffers);
    await this.#writing;
  }

  async #writeAll(buffers: Uint8Array[]): Promise<void> {
    let left = buffers.filter((b) => b.length > 0);
    while (left.length > 0) left = after(left, await this.#writeSome(left));
  }

  #writeSome(buffers: Uint8Array[]): Promise<number> {
    return new Promise((resolve, reject) => {
      writev(this.#fd, buffers, (error, written) => {
        if (!error) resolve(written);
        // Another process may have made a pipe that we share non-blocking.
        else if (hasCode(error, 'EAGAIN')) setTimeout(resolve, busyMs, 0);
        else reject(this.#failed(error));
      });
    });
  }

  async close(): Promise<void> {
    if (!this.#owned) return;
    try {
      await syncFile(this.#fd);
      await this.#close();
    } catch (error) {
      throw this.#failed(error as Error);
    }
  }

  async abort(last?: Uint8Array): Promise<void> {
    if (last) await this.#writing.then(() => this.write([last])).catch(() => undefined);
    await this.#close().catch(() => undefined);
  }

  async #close(): Promise<void> {
    if (!this.#owned) return;
    this.#owned = false;
    await closeFile(this.#fd);
  }

  #failed(error: Error): Error {
    return toBackupError(Object.assign(error, { path: this.name }), 'storage');
  }
}

/** What is left of `buffers` after `written` bytes of them: a write may be short. */
function after(buffers: Uint8Array[], written: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let skip = written;
  for (const buffer of buffers) {
    if (skip >= buffer.length) skip -= buffer.length;
    else {
      left.push(buffer.subarray(skip));
      skip = 0;
    }
  }
  return left;
}
