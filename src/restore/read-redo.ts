import { createReadStream } from 'node:fs';
import { fileFault } from './file-fault.ts';

/** Checks a redo log piece by piece, and tells at its end what is in it. */
interface LogCheck<Report> {
  push(bytes: Uint8Array): void;
  end(): Report;
}

/** What helps against a redo log that is not as the backup left it. */
export const redoHint = 'if an earlier prepare was interrupted, extract the backup again';

const readBytes = 1024 * 1024;

/** Puts the redo log of a backup through a check; a fault is told with the file's name. */
export async function readRedo<Report>(
  file: string,
  check: LogCheck<Report>,
  signal: AbortSignal,
): Promise<Report> {
  try {
    const bytes: AsyncIterable<Uint8Array> = createReadStream(file, { highWaterMark: readBytes });
    for await (const piece of bytes) {
      signal.throwIfAborted();
      check.push(piece);
    }
    return check.end();
  } catch (error) {
    if (signal.aborted) throw error;
    throw fileFault(file, error, redoHint);
  }
}
