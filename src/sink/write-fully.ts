import type { FileHandle } from 'node:fs/promises';
import { BackupError } from '../errors.ts';
import type { Run } from './page-holes.ts';

/** Writes all of the bytes, however few the system takes at once. */
export async function writeFully(handle: FileHandle, { position, bytes }: Run): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.length - done;
    const { bytesWritten } = await handle.write(bytes, done, rest, position + done);
    if (bytesWritten === 0) throw new BackupError('storage', 'nothing could be written');
    done += bytesWritten;
  }
}
