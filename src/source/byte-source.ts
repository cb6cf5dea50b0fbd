import {
  close,
  constants,
  createReadStream,
  fstatSync,
  open,
  openSync,
  read,
  statSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { type Readable, addAbortSignal } from 'node:stream';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';
import type { MemberEntry } from '../../formats/archive-record/index.ts';
import { BackupError, toBackupError } from '../errors.ts';

/** The bytes of an archive in order; a piece may be used until the next one is asked for. */
export interface ByteSource {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** What the archive must consist of, where an index beside it says so. */
  readonly promised?: readonly MemberEntry[] | undefined;
  /** The backup that the archive must be of, where a manifest beside it says so. */
  readonly backupId?: string | undefined;
}

const openFile = promisify(open);
const closeFile = promisify(close);
const readFile = promisify(read);

const readBytes = 1024 * 1024;
const stdinFd = 0;

export function openFileSource(path: string, signal?: AbortSignal): ByteSource {
  const bytes = (): AsyncIterable<Uint8Array> => {
    const stat = statSync(path);
    if (stat.isFile()) return namedFile(path);
    return stoppable(stat.isFIFO() ? openPipe(path) : createReadStream(path), signal);
  };
  return { name: path, bytes: withContext(bytes, signal) };
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
  const bytes = (): AsyncIterable<Uint8Array> =>
    stat.isFIFO() || stat.isSocket() ? stoppable(pipeReader(stdinFd), signal) : openedFile(stdinFd);
  return { name, bytes: withContext(bytes, signal) };
}

/**
 * A pipe that has a writer, had one, or will have one. No thread waits for it in open, where
 * nothing could end the wait: the event loop hears when bytes come and when the last writer is
 * gone, and hears nothing as long as there was none.
 */
function openPipe(path: string): Socket {
  return pipeReader(openSync(path, constants.O_RDONLY + constants.O_NONBLOCK));
}

function pipeReader(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

async function* namedFile(path: string): AsyncGenerator<Uint8Array> {
  const fd = await openFile(path, 'r');
  try {
    yield* openedFile(fd);
  } finally {
    await closeFile(fd);
  }
}

/** Reads into one of two buffers while the other is used: a stream would make ever new ones. */
async function* openedFile(fd: number): AsyncGenerator<Uint8Array> {
  let [used, free] = [new Uint8Array(readBytes), new Uint8Array(readBytes)];
  let reading = readFile(fd, used, 0, readBytes, null);
  try {
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      const bytes = used.subarray(0, bytesRead);
      [used, free] = [free, used];
      reading = readFile(fd, used, 0, readBytes, null);
      // Its failure is heard when it is waited for.
      reading.catch(() => undefined);
      yield bytes;
    }
  } finally {
    // It must not go on in a descriptor that is closed.
    await reading.catch(() => undefined);
  }
}

function stoppable(stream: Readable, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  return signal ? addAbortSignal(signal, stream) : stream;
}

/** Opens what is read when it is read: nobody would hear of an error before. */
async function* withContext(
  open: () => AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of open()) {
      signal?.throwIfAborted();
      yield bytes;
    }
  } catch (error) {
    throw toBackupError(signal?.aborted === true ? signal.reason : error, 'storage');
  }
}
