import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { DeltaDecoder, deltaName } from '../../../formats/delta/index.ts';
import { fileFault } from '../../restore/file-fault.ts';
import type { Run } from '../../sink/page-holes.ts';
import { deltaRuns } from '../delta-runs.ts';
import type { DeltaFile } from './link-directory.ts';

const readBytes = 4 * 1024 * 1024;

/**
 * The pages of a `.delta` file in the directory of an increment, as they belong in the data file.
 * Fails at its end where it was not whole.
 */
export async function* readDelta(
  increment: string,
  { file, pageSize }: DeltaFile,
  signal: AbortSignal,
): AsyncGenerator<Run, undefined> {
  const source = join(increment, deltaName(file));
  const decoder = new DeltaDecoder(pageSize);
  const stream: AsyncIterable<Uint8Array> = createReadStream(source, { highWaterMark: readBytes });
  try {
    for await (const bytes of stream) {
      decoder.push(bytes);
      yield* deltaRuns(decoder);
      signal.throwIfAborted();
    }
    decoder.end();
  } catch (error) {
    signal.throwIfAborted();
    throw fileFault(source, error);
  }
}
