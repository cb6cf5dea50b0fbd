import { closeSync, openSync } from 'node:fs';
import { readSpaceHeader, spaceHeaderBytes } from '../../../formats/innodb/index.ts';
import { fileFault } from '../../restore/file-fault.ts';
import { readFully } from '../../tablespace/read-fully.ts';

/** What page 0 of a tablespace says; undefined while that is all zero. */
export function spaceIdOf(file: string): number | undefined {
  const fd = openSync(file, 'r');
  try {
    const page0 = new Uint8Array(spaceHeaderBytes);
    if (readFully(fd, page0, 0) < page0.length) return undefined;
    return readSpaceHeader(page0)?.spaceId;
  } catch (error) {
    throw fileFault(file, error);
  } finally {
    closeSync(fd);
  }
}
