import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { constants, createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { DeltaDecoder } from '../../../formats/delta/index.ts';
import { filHeader, readSpaceHeader } from '../../../formats/innodb/index.ts';
import { BackupError, toBackupError } from '../../errors.ts';
import { writeFully } from '../../sink/write-fully.ts';
import { deltaRuns } from '../delta-runs.ts';
import type { DeltaFile } from './link-directory.ts';

const readBytes = 4 * 1024 * 1024;

/**
 * Writes the pages of a delta over the file that they are of. May be run again. Returns the pages
 * that its tablespace has by its page 0, or 0 where that is not among them.
 */
export async function layDelta(
  directory: string,
  increment: string,
  delta: DeltaFile,
  signal: AbortSignal,
): Promise<number> {
  const path = join(directory, delta.file);
  const source = join(increment, `${delta.file}.delta`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
    const handle = await open(path, O_CREAT + O_NOFOLLOW + O_RDWR, 0o640);
    try {
      const told = await layPages(handle, source, delta, signal);
      const { size: found } = await handle.stat();
      // Another tool does not say how long the file was, but page 0 does; not of one file of several.
      const wanted = delta.spaceId === 0 ? found : Math.max(found, told * delta.pageSize);
      await handle.truncate(delta.size ?? wanted);
      await handle.sync();
      return told;
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code, message, where } = toBackupError(error, 'storage');
    throw error instanceof BackupError && where.path !== undefined
      ? error
      : new BackupError(code === 'incomplete' ? 'corrupt' : code, `${source}: ${message}`, {
          where: { ...where, path: source },
          cause: error,
        });
  }
}

async function layPages(
  handle: FileHandle,
  source: string,
  { pageSize, spaceId }: DeltaFile,
  signal: AbortSignal,
): Promise<number> {
  const decoder = new DeltaDecoder(pageSize);
  let told = 0;
  const stream: AsyncIterable<Uint8Array> = createReadStream(source, { highWaterMark: readBytes });
  for await (const bytes of stream) {
    signal.throwIfAborted();
    decoder.push(bytes);
    for (const run of deltaRuns(decoder)) {
      if (run.position === 0) told = pagesTold(run.bytes, spaceId);
      await writeFully(handle, run);
    }
  }
  decoder.end();
  return told;
}

function pagesTold(page0: Uint8Array, spaceId: number): number {
  // A later file of the system tablespace begins in its middle.
  if (spaceId === 0 && filHeader.decode(page0).pageNumber > 0) return 0;
  const header = readSpaceHeader(page0);
  if (header && header.spaceId !== spaceId) {
    throw new BackupError('corrupt', `page 0 is of space ${header.spaceId}, .meta of ${spaceId}`);
  }
  return header?.pages ?? 0;
}
