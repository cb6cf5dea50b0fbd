/** Pages in an extent: 1 MiB worth of small pages, 64 pages from 16 KiB up. */
export function extentPages(pageSize: number): number {
  return pageSize >= 16384 ? 64 : 0x10_0000 / pageSize;
}
