// A table's file out of pages of a real server: page 4 in two versions, whole or torn.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { vector } from '../formats/innodb/vectors.ts';
import { scratchDir } from '../support/scratch.ts';

export const pageSize = 4096;
export const spaceId = 7;
/** The page there are two versions of. */
export const changedPage = 4;

export const olderPage = (): Buffer => vector('full-crc32-leaf-old').page();
export const newerPage = (): Buffer => vector('full-crc32-leaf-new').page();

/** As a reader sees it in the middle of the server's write. */
export function tornPage(): Buffer {
  const half = pageSize / 2;
  return Buffer.concat([newerPage().subarray(0, half), olderPage().subarray(half)]);
}

/** Pages 0 to `pages` - 1 of the table; those that the vectors do not have were never written. */
export function tablePages(pages = 6): Buffer {
  const file = Buffer.alloc(pages * pageSize);
  vector('full-crc32-dynamic-header').page().copy(file, 0);
  vector('full-crc32-bitmap').page().copy(file, pageSize);
  vector('full-crc32-inode')
    .page()
    .copy(file, 2 * pageSize);
  olderPage().copy(file, changedPage * pageSize);
  return file;
}

/** A file with these bytes in a folder of its own. */
export function writeTable(bytes: Uint8Array, name = 'dyn.ibd'): string {
  const path = join(scratchDir('table'), name);
  writeFileSync(path, bytes);
  return path;
}
