import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deltaName } from '../../../formats/delta/index.ts';
import { filHeader, readSpaceHeader } from '../../../formats/innodb/index.ts';
import { BackupError, hasCode } from '../../errors.ts';
import { fileFault } from '../../restore/file-fault.ts';
import { writeFully } from '../../sink/write-fully.ts';
import type { DeltaFile } from './link-directory.ts';
import { readDelta } from './read-delta.ts';

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
  let handle: FileHandle | undefined;
  let told = 0;
  try {
    for await (const run of readDelta(increment, delta, signal)) {
      if (run.position === 0) told = pagesTold(run.bytes, delta, increment);
      handle ??= await openFile(path, delta, run.position === 0);
      await writeFully(handle, run);
    }
    handle ??= await openFile(path, delta, false);
    const { size: found } = await handle.stat();
    // Another tool does not say how long the file was, but page 0 does; not of one file of several.
    const wanted = delta.spaceId === 0 ? found : Math.max(found, told * delta.pageSize);
    await handle.truncate(delta.size ?? wanted);
    await handle.sync();
    return told;
  } catch (error) {
    signal.throwIfAborted();
    throw fileFault(path, error);
  } finally {
    await handle?.close();
  }
}

/** A new file begins with page 0, but for one that the system tablespace was given. */
async function openFile(
  path: string,
  { file, spaceId }: DeltaFile,
  hasPage0: boolean,
): Promise<FileHandle> {
  const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const mayBeNew = hasPage0 || spaceId === 0;
  try {
    if (mayBeNew) await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    return await open(path, O_NOFOLLOW + O_RDWR + (mayBeNew ? O_CREAT : 0), 0o640);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    const message = `${path} is missing: of ${file} the increment has changed pages only`;
    throw new BackupError('chain', message, { where: { path } });
  }
}

function pagesTold(page0: Uint8Array, { file, spaceId }: DeltaFile, increment: string): number {
  // A later file of the system tablespace begins in its middle.
  if (spaceId === 0 && filHeader.decode(page0).pageNumber > 0) return 0;
  const header = readSpaceHeader(page0);
  if (header && header.spaceId !== spaceId) {
    const path = join(increment, deltaName(file));
    const message = `${path}: page 0 is of space ${header.spaceId}, .meta of ${spaceId}`;
    throw new BackupError('corrupt', message, { where: { path } });
  }
  return header?.pages ?? 0;
}
