import { toBackupError } from '../errors.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
import type { ByteSource } from '../source/byte-source.ts';
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
  const checker = new ArchiveChecker(options);
  try {
    for await (const bytes of source.bytes) {
      options.signal.throwIfAborted();
      for (const _ of checker.push(bytes));
      await sink.write([bytes]);
    }
    const summary = checker.end();
    await sink.close();
    return summary;
  } catch (error) {
    await sink.write([spoiler]).catch(() => undefined);
    await sink.close().catch(() => undefined);
    throw toBackupError(error);
  }
}
