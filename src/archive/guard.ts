import { toBackupError } from '../errors.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { unlessAborted } from '../worker/unless-aborted.ts';
import { ArchiveChecker, type ArchiveSummary } from './archive-checker.ts';

/**
 * What follows the good bytes of a bad stream. No chunk can start like this, so
 * the extractor behind the pipe fails too, even one that takes a cut for an end.
 * Behind a cut inside a name it is the rest of that name, and must neither end
 * it (so it is longer than names are) nor make one that no file can have, which
 * mbstream passes over (so a NUL ends it in C).
 */
const spoiler = new TextEncoder().encode(
  '\n\0*** xbpipe guard: this archive is not whole ***\n'.padEnd(1024, '\0'),
);

/** Passes an archive on while it judges it; a stream that is not whole is spoiled on purpose. */
export async function guard(
  source: ByteSource,
  sink: ByteSink,
  options: { anyArchive: boolean; key?: Uint8Array | undefined; signal: AbortSignal },
): Promise<ArchiveSummary> {
  const { signal } = options;
  const checker = new ArchiveChecker(options);
  try {
    for await (const bytes of source.bytes) {
      signal.throwIfAborted();
      for (const _ of checker.push(bytes));
      await unlessAborted(sink.write([bytes]), signal);
    }
    const summary = checker.end();
    await sink.close();
    return summary;
  } catch (error) {
    await spoil(sink, signal);
    throw toBackupError(error);
  }
}

/** A reader that stalls is waited for, but not any more after a signal. */
async function spoil(sink: ByteSink, signal: AbortSignal): Promise<void> {
  try {
    signal.throwIfAborted();
    await unlessAborted(sink.write([spoiler]), signal);
    await sink.close();
  } catch {
    await sink.abort(signal.aborted ? spoiler : undefined);
  }
}
