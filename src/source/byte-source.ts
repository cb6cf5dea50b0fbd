import { createReadStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { type Readable, addAbortSignal } from 'node:stream';
import { isatty } from 'node:tty';
import { BackupError, toBackupError } from '../errors.ts';

/** The bytes of an archive in order; a piece may be used until the next one is asked for. */
export interface ByteSource {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const readBytes = 1024 * 1024;
const stdinFd = 0;

export function openFileSource(path: string, signal?: AbortSignal): ByteSource {
  const open = (): Readable => createReadStream(path, { highWaterMark: readBytes });
  return { name: path, bytes: withContext(open, signal) };
}

/**
 * Standard input; pipes go through the event loop so that a stalled writer never blocks an exit.
 * `signal` ends the wait for such a writer.
 */
export function openStdin(signal?: AbortSignal): ByteSource {
  const name = 'standard input';
  if (isatty(stdinFd)) {
    throw new BackupError('usage', 'refusing to read an archive from a terminal', {
      hint: 'pipe an archive in, or name one with --from',
    });
  }
  const stat = fstatSync(stdinFd);
  const open = (): Readable =>
    stat.isFIFO() || stat.isSocket()
      ? new Socket({ fd: stdinFd, readable: true, writable: false })
      : createReadStream('', { fd: stdinFd, autoClose: false, highWaterMark: readBytes });
  return { name, bytes: withContext(open, signal) };
}

/** Opens the stream when it is read: nobody would hear of an error before. */
async function* withContext(
  open: () => Readable,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    const stream = open();
    if (signal) addAbortSignal(signal, stream);
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw toBackupError(signal?.aborted === true ? signal.reason : error, 'storage');
  }
}
