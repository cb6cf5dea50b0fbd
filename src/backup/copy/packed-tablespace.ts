import {
  type SpaceFormat,
  isBlankPage,
  isPageCompressed,
  isPageEncrypted,
} from '../../../formats/innodb/index.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import type { BlockFile } from './copy-tablespace.ts';

const samplesMax = 8;
/** Pages before it are plain in every tablespace. */
const firstRootPage = 3;

/**
 * Whether most pages of a tablespace are page-compressed or encrypted, by some that lie evenly
 * over the file. The flags of a tablespace do not tell, or tell what a change in progress is to bring.
 */
export function isPacked({ fd, size, blockSize }: BlockFile, format: SpaceFormat): boolean {
  const pages = size / blockSize;
  const step = Math.max(1, Math.floor((pages - firstRootPage) / samplesMax));
  const page = new Uint8Array(blockSize);
  let packed = 0;
  let seen = 0;
  for (let number = firstRootPage; number < pages && seen < samplesMax; number += step) {
    if (readFully(fd, page, number * blockSize) < blockSize) break;
    if (isBlankPage(page, format.fullCrc32)) continue;
    seen += 1;
    if (isPageCompressed(page, format) || isPageEncrypted(page, format)) packed += 1;
  }
  return packed * 2 > seen;
}
