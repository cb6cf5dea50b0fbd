import {
  createPageCheck,
  describePageFault,
  filHeader,
  type SpaceFormat,
} from '../../formats/innodb/index.ts';
import type { Flavour } from '../server/flavour.ts';

/** What is wrong with a page of a file, in words; undefined for a whole one. */
export type DescribingCheck = (page: Uint8Array, numberInFile: number) => string | undefined;

/**
 * Checks for a file of the system tablespace that has no page 0 to tell its format, one for
 * each format that it can have. Its page numbers go on from the file before, which need not have
 * come yet: the first page with a number tells from where.
 */
export function laterFileChecks(
  flavours: readonly Flavour[],
  physicalPageSize: number,
): DescribingCheck[] {
  return flavours
    .flatMap((flavour) =>
      (flavour === 'mysql' ? [false] : [false, true]).map((fullCrc32) => ({ flavour, fullCrc32 })),
    )
    .map((format) => checkOf({ ...format, zip: false, physicalPageSize }));
}

function checkOf(
  format: Pick<SpaceFormat, 'flavour' | 'fullCrc32' | 'zip' | 'physicalPageSize'>,
): DescribingCheck {
  const check = createPageCheck(format, { spaceId: 0 });
  let firstPage: number | undefined;
  return (page, numberInFile) => {
    if (firstPage === undefined) {
      const { pageNumber } = filHeader.decode(page);
      if (pageNumber > 0) firstPage = Math.max(0, pageNumber - numberInFile);
    }
    const fault = check(page, (firstPage ?? 0) + numberInFile);
    return fault && describePageFault(fault);
  };
}
