import { closeSync, constants, openSync, readSync } from 'node:fs';
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

  async abort(): Promise<void> {
    if (this.#writing === undefined) return;
    const reader = openReader(this.#fd);
    if (reader === undefined) return;
    // What was in the pipe is lost to the other side, which only makes a broken archive plainer.
    while (this.#isWriting()) {
      drain(reader);
      await sleep(drainPauseMs);
    }
    closeSync(reader);
  }

  #isWriting(): boolean {
    return this.#writing !== undefined;
  }
}

/** The pipe's other end, under a descriptor of our own. */
function openReader(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY + constants.O_NONBLOCK);
  } catch {
    return undefined;
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
