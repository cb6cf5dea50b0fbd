import { closeSync, fstatSync, openSync } from 'node:fs';
import { FormatError } from '../../formats/format-error.ts';
import { pageLsnNumber, readSpaceHeader, spaceHeaderBytes } from '../../formats/innodb/index.ts';
import { toBackupError } from '../errors.ts';
import type { Flavour } from '../server/flavour.ts';
import {
  type SpaceIdentity,
  describingPageCheck,
  identifySpace,
} from '../tablespace/identify-space.ts';
import { readFully } from '../tablespace/read-fully.ts';
import { runThread } from '../worker/thread.ts';
import type { PageJob, PageResult, PageThreadData } from './check-pages.ts';
import { damagedPage } from './damaged-page.ts';

const windowBytes = 4 * 1024 * 1024;

runThread<PageThreadData, { kind: 'result'; result: PageResult }, PageJob>((data, port) => {
  const window = new Uint8Array(windowBytes);
  return new Promise((_, reject) => {
    port.onMessage((job) => {
      try {
        port.post({ kind: 'result', result: { pages: checkFile(job, data, window) } });
      } catch (error) {
        reject(toBackupError(error));
      }
    });
  });
});

/** Pages of one file; a FormatError about its page 0 comes out as damage too. */
function checkFile({ path, continues }: PageJob, data: PageThreadData, window: Uint8Array): number {
  const fd = openSync(path, 'r');
  try {
    const { flavour, lastLsn } = data;
    const identity = continues
      ? identifyByPath(continues.firstFile, flavour)
      : identifySpace(fd, flavour);
    // A file that was copied before its first page was written: redo makes it anew.
    if (!identity) return 0;
    const { physicalPageSize: size } = identity.format;
    const check = describingPageCheck(identity, (continues?.bytesBefore ?? 0) / size);
    const pages = countPages(fd, path, size, data.checkpointLsn);
    for (let first = 0; first < pages; first += windowBytes / size) {
      const count = Math.min(windowBytes / size, pages - first);
      readFully(fd, window.subarray(0, count * size), first * size);
      for (let i = 0; i < count; i++) {
        const page = window.subarray(i * size, (i + 1) * size);
        const fault = check(page, first + i) ?? youngerThan(page, lastLsn);
        if (fault !== undefined) throw damagedPage(path, first + i, (first + i) * size, fault);
      }
    }
    return pages;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw damagedPage(path, 0, error.offset, error.message);
  } finally {
    closeSync(fd);
  }
}

/**
 * The pages of a file, which are whole. A table has as many as its page 0 says, unless the redo
 * log changes that; the other tablespaces may have been truncated while they were copied.
 */
function countPages(fd: number, path: string, pageSize: number, checkpointLsn: number): number {
  const { size } = fstatSync(fd);
  const pages = Math.floor(size / pageSize);
  const rest = size % pageSize;
  if (rest !== 0) {
    throw damagedPage(path, pages, size - rest, `the file ends ${rest} bytes into it`);
  }
  if (!path.endsWith('.ibd')) return pages;
  const page0 = new Uint8Array(spaceHeaderBytes);
  readFully(fd, page0, 0);
  const told = readSpaceHeader(page0)?.pages ?? 0;
  if (pages >= told || pageLsnNumber(page0) >= checkpointLsn) return pages;
  throw damagedPage(path, pages, size, `the file ends here, and page 0 tells of ${told} pages`);
}

function identifyByPath(path: string, flavour: Flavour): SpaceIdentity | undefined {
  const fd = openSync(path, 'r');
  try {
    return identifySpace(fd, flavour);
  } finally {
    closeSync(fd);
  }
}

function youngerThan(page: Uint8Array, lastLsn: number): string | undefined {
  const lsn = pageLsnNumber(page);
  return lsn > lastLsn ? `LSN ${lsn} is beyond the backup's end, ${lastLsn}` : undefined;
}
