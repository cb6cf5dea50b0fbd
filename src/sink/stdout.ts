import { constants, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { BackupError, isSystemError } from '../errors.ts';
import type { ByteSink } from './byte-sink.ts';
import { FileSink } from './file-sink.ts';
import { PipeSink } from './pipe-sink.ts';

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
  if (stat.isFIFO()) return new PipeSink(name, reopened());
  if (stat.isSocket()) return new PipeSink(name, stdoutFd);
  return FileSink.inherited(name, stdoutFd);
}

/**
 * The same pipe under a file description of our own: the event loop needs it
 * non-blocking, and that flag must not leak to others who share descriptor 1.
 */
function reopened(): number {
  try {
    return openSync(`/proc/self/fd/${stdoutFd}`, constants.O_WRONLY + constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error)) return stdoutFd;
    throw error;
  }
}
