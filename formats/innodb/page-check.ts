import { FormatError } from '../format-error.ts';
import { readU32be } from './big-endian.ts';
import { isBlankPage } from './blank-page.ts';
import { checkCrc32 } from './check-crc32.ts';
import { checkFullCrc32 } from './check-full-crc32.ts';
import { checkMysql, checkMysqlPlace, checkMysqlZip } from './check-mysql.ts';
import { checkZip } from './check-zip.ts';
import { filHeader } from './fil-header.ts';
import type { PageFault } from './page-fault.ts';
import type { SpaceFormat } from './space-format.ts';

export interface PageCheckOptions {
  /** Tablespace id; in space 0, the system tablespace, old pages may hold other numbers. */
  readonly spaceId: number;
}

/** The first rule a page breaks, or `undefined` for a whole page. */
export type PageCheck = (page: Uint8Array, pageNumber: number) => PageFault | undefined;

/**
 * A check for the pages of one tablespace as they are in its files; no keys are needed.
 * It finds torn and misplaced pages; it does not look at what is on them. The rules, and
 * the bytes no rule covers, are in page-check.md; for pages without a proof see `isUnproven`.
 *
 * The check takes exactly `format.physicalPageSize` bytes and throws a FormatError of kind
 * `truncated` for fewer, `invalid` for more. The old doublewrite area of the system
 * tablespace holds foreign pages: the caller leaves it out, see `isDoublewriteArea`.
 */
export function createPageCheck(
  format: Pick<SpaceFormat, 'flavour' | 'fullCrc32' | 'zip' | 'physicalPageSize'>,
  { spaceId }: PageCheckOptions,
): PageCheck {
  const { fullCrc32, physicalPageSize } = format;
  const checkContent = contentCheck(format);
  const checkPlace = format.flavour === 'mysql' ? checkMysqlPlace : checkMariadbPlace;
  return (page, pageNumber) => {
    if (page.length !== physicalPageSize) throw wrongSize(page.length, physicalPageSize);
    const fault = checkContent(page) ?? checkPlace(page, pageNumber, spaceId);
    return fault === undefined || isBlankPage(page, fullCrc32) ? undefined : fault;
  };
}

function contentCheck({
  flavour,
  fullCrc32,
  zip,
}: Pick<SpaceFormat, 'flavour' | 'fullCrc32' | 'zip'>): (
  page: Uint8Array,
) => PageFault | undefined {
  if (flavour === 'mysql') return zip ? checkMysqlZip : checkMysql;
  if (fullCrc32) return checkFullCrc32;
  return zip ? checkZip : checkCrc32;
}

function checkMariadbPlace(
  page: Uint8Array,
  pageNumber: number,
  spaceId: number,
): PageFault | undefined {
  if (spaceId === 0) return undefined;
  const stored = readU32be(page, filHeader.offset.pageNumber);
  return stored === pageNumber ? undefined : { rule: 'page number', stored, computed: pageNumber };
}

function wrongSize(length: number, wanted: number): FormatError {
  const kind = length < wanted ? 'truncated' : 'invalid';
  return new FormatError(kind, 'InnoDB page', length, `${length} bytes, a page has ${wanted}`);
}
