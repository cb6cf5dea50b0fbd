import { closeSync, fstatSync, openSync } from 'node:fs';
import {
  type AriaIndexHeader,
  createAriaPageCheck,
  describeAriaPageFault,
  indexHeaderBytesMax,
  readIndexHeader,
} from '../../../formats/aria/index.ts';
import { BackupError, toBackupError } from '../../errors.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import type { BlockCheck } from './block-reader.ts';
import type { CopyJob } from './copy-messages.ts';
import type { BlockFile } from './copy-tablespace.ts';

/**
 * The plan for one Aria file that is open. Transactional tables are written while
 * they are copied; Aria's log makes up for that, but not for a torn page. The
 * header of the index says which blocks of both files are pages with a CRC.
 */
export function planAria(fd: number, job: CopyJob): BlockFile {
  const kind = job.kind === 'aria-index' ? 'index' : 'data';
  const header = indexHeaderOf(fd, job);
  return {
    fd,
    path: job.source,
    blockSize: header.blockSize,
    size: fstatSync(fd).size,
    mayShrink: false,
    check: blockCheck(fd, header, kind),
  };
}

/** Blocks without a CRC of their own (the state, encrypted pages) must at least keep still. */
function blockCheck(
  fd: number,
  header: AriaIndexHeader,
  kind: 'index' | 'data',
): BlockCheck | undefined {
  // Rows of the older row formats lie anywhere in the data file, and the locks keep it still.
  if (kind === 'data' && header.dataType !== 'block') return undefined;
  const { blockSize, keyStart, pageChecksum, encrypted } = header;
  const check = createAriaPageCheck(header, kind);
  const firstPage = kind === 'index' ? keyStart / blockSize : 0;
  const again = new Uint8Array(blockSize);
  return (block, number) => {
    if (pageChecksum && !encrypted && number >= firstPage) {
      const fault = check(block, number);
      return fault && describeAriaPageFault(fault);
    }
    readFully(fd, again, number * blockSize);
    return Buffer.compare(block, again) === 0 ? undefined : 'it changes while it is read';
  };
}

function indexHeaderOf(fd: number, job: CopyJob): AriaIndexHeader {
  if (job.kind === 'aria-index') return readHeader(fd, job.source);
  const index = job.source.replace(/\.MAD$/, '.MAI');
  const indexFd = openSync(index, 'r');
  try {
    return readHeader(indexFd, index);
  } finally {
    closeSync(indexFd);
  }
}

function readHeader(fd: number, path: string): AriaIndexHeader {
  const bytes = new Uint8Array(Math.min(indexHeaderBytesMax, fstatSync(fd).size));
  try {
    return readIndexHeader(bytes.subarray(0, readFully(fd, bytes, 0)));
  } catch (error) {
    throw new BackupError('corrupt-page', `${path}: ${toBackupError(error).message}`, {
      where: { path, offset: 0 },
      cause: error,
    });
  }
}
