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
  const check = createAriaPageCheck(header, kind);
  // Rows of the older row formats lie anywhere in the data file: there are no pages in it.
  const paged = kind === 'index' || header.dataType === 'block';
  return {
    fd,
    path: job.source,
    blockSize: header.blockSize,
    size: fstatSync(fd).size,
    mayShrink: false,
    check: paged
      ? (page, number) => {
          const fault = check(page, number);
          return fault && describeAriaPageFault(fault);
        }
      : undefined,
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
