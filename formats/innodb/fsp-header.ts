import { FormatError } from '../format-error.ts';
import { layout, u32be } from '../layout.ts';
import { filHeader } from './fil-header.ts';

/**
 * The head of the file space header, which follows the FIL header on page 0 of every
 * tablespace and is never encrypted or compressed. The extent lists after it are not read.
 * Format: fsp-header.md.
 */
const table = {
  spaceId: [u32be, 'tablespace id, the same as in the FIL header'],
  unused: [u32be, 'unused'],
  pages: [u32be, 'size of the tablespace in pages'],
  freeLimit: [u32be, 'pages from here on were never used'],
  flags: [u32be, 'shape of the pages, see space-flags.md'],
  fragmentPagesUsed: [u32be, 'used pages in the extents of the fragment list'],
} as const;

export const fspHeader = layout('FSP header', table);

/** Where the file space header stands in page 0. */
export const fspHeaderOffset = filHeader.size;

/** How many bytes of page 0 `readSpaceHeader` needs. */
export const spaceHeaderBytes = fspHeaderOffset + fspHeader.size;

export interface SpaceHeader {
  readonly spaceId: number;
  /** Size in pages as the server believes, 0 in a new file of MySQL; the file may be longer. */
  readonly pages: number;
  readonly freeLimit: number;
  readonly flags: number;
}

/**
 * Space id, size and flags out of the first bytes of a data file (`spaceHeaderBytes` are
 * enough, more may be given).
 *
 * `undefined` when all of them are zero: the server has made the file but not yet
 * written page 0, and the space id is known only to the redo log. It must never be taken
 * for space 0, which is the system tablespace. Throws a FormatError, `truncated` for too few
 * bytes, `invalid` when the page is not page 0, its two space ids differ (a torn page), or
 * the tablespace has no pages and is not a new file of MySQL either, which has a
 * provisional page 0 of type 0 and LSN 0 until the true one is flushed.
 */
export function readSpaceHeader(page0: Uint8Array): SpaceHeader | undefined {
  const head = fspHeader.decode(page0, fspHeaderOffset);
  if (page0.subarray(0, spaceHeaderBytes).every((byte) => byte === 0)) return undefined;
  const { pageNumber, lsn, type, spaceId } = filHeader.decode(page0);
  if (pageNumber !== 0) {
    throw new FormatError(
      'invalid',
      'FIL header > pageNumber',
      filHeader.offset.pageNumber,
      `page 0 says it is page ${pageNumber}`,
    );
  }
  if (spaceId !== head.spaceId) {
    throw new FormatError(
      'invalid',
      'FSP header > spaceId',
      fspHeaderOffset + fspHeader.offset.spaceId,
      `${head.spaceId} differs from ${spaceId} in the FIL header`,
    );
  }
  if (head.pages === 0 && (type !== 0 || lsn !== 0n)) {
    throw new FormatError(
      'invalid',
      'FSP header > pages',
      fspHeaderOffset + fspHeader.offset.pages,
      `0 pages in space ${spaceId}`,
    );
  }
  return { spaceId, pages: head.pages, freeLimit: head.freeLimit, flags: head.flags };
}
