import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { BackupError } from '../errors.ts';
import type { ByteSink } from './byte-sink.ts';
import { FileSink } from './file-sink.ts';
import { PipeSink } from './pipe-sink.ts';
import { SocketSink } from './socket-sink.ts';

const stdoutFd = 1;
const name = 'standard output';

/** Standard output as a sink of archive bytes; a terminal is refused. */
export function openStdout(): ByteSink {
  if (isatty(stdoutFd)) {
    throw new BackupError('usage', 'refusing to write an archive to a terminal', {
      hint: 'redirect standard output, or name a target with --to or --target-dir',
    });
  }
  const stat = fstatSync(stdoutFd);
  if (stat.isFIFO()) return new PipeSink(name, stdoutFd);
  if (stat.isSocket()) return new SocketSink(name, stdoutFd);
  return FileSink.inherited(name, stdoutFd);
}
