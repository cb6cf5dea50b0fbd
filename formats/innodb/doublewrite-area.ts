import { extentPages } from './extent.ts';

/**
 * Whether a page of the system tablespace lies in the old doublewrite buffer: two extents
 * of copies of other spaces' pages, which no check can place. The caller skips them.
 * `pageSize` is the logical page size in bytes.
 */
export function isDoublewriteArea(pageNumber: number, pageSize: number): boolean {
  const extent = extentPages(pageSize);
  return pageNumber >= extent && pageNumber < 3 * extent;
}
