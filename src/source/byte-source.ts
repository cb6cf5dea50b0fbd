import { createReadStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { BackupError, toBackupError } from '../errors.ts';

/** The bytes of an archive in order; a piece may be used until the next one is asked for. */
export interface ByteSource {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const readBytes = 1024 * 1024;
const stdinFd = 0;

export function openFileSource(path: string): ByteSource {
  return { name: path, bytes: withContext(createReadStream(path, { highWaterMark: readBytes })) };
}

/** Standard input; pipes go through the event loop so that a stalled writer never blocks an exit. */
export function openStdin(): ByteSource {
  const name = 'standard input';
  if (isatty(stdinFd)) {
    throw new BackupError('usage', 'refusing to read an archive from a terminal', {
      hint: 'pipe an archive in, or name one with --from',
    });
  }
  const stat = fstatSync(stdinFd);
  const stream =
    stat.isFIFO() || stat.isSocket()
      ? new Socket({ fd: stdinFd, readable: true, writable: false })
      : createReadStream('', { fd: stdinFd, autoClose: false, highWaterMark: readBytes });
  return { name, bytes: withContext(stream) };
}

async function* withContext(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}
