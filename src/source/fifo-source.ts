import { close, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError, hasCode, toBackupError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';

const pollMs = 20;
const firstBytesMax = 64 * 1024;

export interface FifoOptions {
  /** How long the pipe may take to be there and to have a writer. */
  waitMs: number;
  signal: AbortSignal;
}

/** A named pipe that another program makes and writes to; it is waited for when it is read. */
export function openFifoSource(path: string, options: FifoOptions): ByteSource {
  return { name: path, bytes: read(path, options) };
}

async function* read(path: string, options: FifoOptions): AsyncGenerator<Uint8Array> {
  const { signal } = options;
  try {
    const { fd, bytes } = await firstBytes(path, options);
    const stream = addAbortSignal(signal, new Socket({ fd, readable: true, writable: false }));
    try {
      yield bytes;
      yield* stream as AsyncIterable<Uint8Array>;
    } finally {
      stream.destroy();
    }
  } catch (error) {
    throw toBackupError(signal.aborted ? signal.reason : error, 'storage');
  }
}

/**
 * The pipe, open, and the first that came out of it. Opening it without waiting and asking again
 * and again: a wait inside of open could not be given up.
 */
async function firstBytes(
  path: string,
  { waitMs, signal }: FifoOptions,
): Promise<{ fd: number; bytes: Uint8Array }> {
  const end = performance.now() + waitMs;
  let fd: number | undefined;
  try {
    for (;;) {
      fd ??= openIfThere(path);
      const bytes = fd === undefined ? undefined : readIfWritten(fd);
      if (fd !== undefined && bytes) return { fd, bytes };
      if (performance.now() >= end) {
        const seconds = `${waitMs / 1000} s`;
        const reason =
          fd === undefined ? `is not there after ${seconds}` : `has no writer after ${seconds}`;
        throw new BackupError('storage', `pipe ${path} ${reason}`, { where: { path } });
      }
      await sleep(pollMs, undefined, { signal });
    }
  } catch (error) {
    if (fd !== undefined) close(fd);
    throw error;
  }
}

function openIfThere(path: string): number | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY + constants.O_NONBLOCK);
    if (fstatSync(fd).isFIFO()) return fd;
    close(fd);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  throw new BackupError('storage', `${path} is not a named pipe`, { where: { path } });
}

/** Undefined while nobody has the pipe open to write; empty when somebody has but did not write yet. */
function readIfWritten(fd: number): Uint8Array | undefined {
  const bytes = new Uint8Array(firstBytesMax);
  try {
    const length = readSync(fd, bytes, 0, bytes.length, null);
    return length === 0 ? undefined : bytes.subarray(0, length);
  } catch (error) {
    if (hasCode(error, 'EAGAIN')) return new Uint8Array(0);
    throw error;
  }
}
