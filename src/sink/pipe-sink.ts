import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../errors.ts';
import type { ByteSink } from './byte-sink.ts';
import { FileSink } from './file-sink.ts';

const drainPauseMs = 1;

/**
 * A pipe, written by blocking writes on a thread of the runtime: twice as fast as
 * going through the event loop. A process cannot exit while such a write is
 * stuck behind a reader that stalls, so giving up empties the pipe itself.
 */
export class PipeSink implements ByteSink {
  readonly name: string;
  readonly #fd: number;
  readonly #file: FileSink;
  #writing: Promise<void> | undefined;

  constructor(name: string, fd: number) {
    this.name = name;
    this.#fd = fd;
    this.#file = FileSink.inherited(name, fd);
  }

  async write(buffers: Uint8Array[]): Promise<void> {
    const writing = this.#file.write(buffers);
    this.#writing = writing;
    try {
      await writing;
    } finally {
      this.#writing = undefined;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async abort(last?: Uint8Array): Promise<void> {
    const isStuck = this.#isWriting();
    if (!isStuck && !last) return;
    const reader = openAgain(this.#fd, constants.O_RDONLY);
    if (reader === undefined) {
      if (!isStuck) await this.#file.abort(last);
      return;
    }
    // What was in the pipe is lost to the other side, which only makes a broken archive plainer.
    while (this.#isWriting()) {
      drain(reader);
      await sleep(drainPauseMs);
    }
    // The end of that write, too: it may be the end of an archive.
    if (isStuck) drain(reader);
    if (last) put(this.#fd, last, reader);
    closeSync(reader);
  }

  #isWriting(): boolean {
    return this.#writing !== undefined;
  }
}

/** An end of the pipe, under a descriptor of our own that never waits. */
function openAgain(fd: number, end: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, end + constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

/** A pipe takes so few bytes as a whole or not at all, and an empty one takes them. */
function put(fd: number, bytes: Uint8Array, reader: number): void {
  const writer = openAgain(fd, constants.O_WRONLY);
  if (writer === undefined) return;
  while (!isTaken(writer, bytes)) drain(reader);
  closeSync(writer);
}

function isTaken(writer: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(writer, bytes) > 0;
  } catch (error) {
    if (hasCode(error, 'EAGAIN')) return false;
    throw error;
  }
}

function drain(reader: number): void {
  const bytes = new Uint8Array(64 * 1024);
  try {
    while (readSync(reader, bytes, 0, bytes.length, null) > 0);
  } catch (error) {
    if (!hasCode(error, 'EAGAIN')) throw error;
  }
}
