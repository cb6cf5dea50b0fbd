import { layout, u32be, type Layout } from '../layout.ts';

const table = {
  spaceId: [u32be, 'tablespace that the page belongs to'],
  pageNumber: [u32be, 'page inside the tablespace'],
} as const;

/** One page that was written, see page-track.md. */
export const pageId: Layout<typeof table> = layout('page id', table);

/** InnoDB's "none", of spaces and of pages: it never names one. */
export const noId = 0xffff_ffff;
