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
 * Checks for pages without a page 0 that tells their format, one for each format that they can
 * have. Page numbers of a later file of the system tablespace go on from the file before, which
 * need not have come yet: the first page with a number tells from where.
 */
export function pageChecks(
  flavours: readonly Flavour[],
  { spaceId, zip, physicalPageSize }: { spaceId: number; zip: boolean; physicalPageSize: number },
): DescribingCheck[] {
  return flavours
    .flatMap((flavour) =>
      (flavour === 'mysql' || zip ? [false] : [false, true]).map((fullCrc32) => {
        return { flavour, fullCrc32 };
      }),
    )
    .map((format) => checkOf({ ...format, zip, physicalPageSize }, spaceId));
}

function checkOf(
  format: Pick<SpaceFormat, 'flavour' | 'fullCrc32' | 'zip' | 'physicalPageSize'>,
  spaceId: number,
): DescribingCheck {
  const check = createPageCheck(format, { spaceId });
  let firstPage: number | undefined = spaceId === 0 ? undefined : 0;
  return (page, numberInFile) => {
    if (firstPage === undefined) {
      const { pageNumber } = filHeader.decode(page);
      if (pageNumber > 0) firstPage = Math.max(0, pageNumber - numberInFile);
    }
    const fault = check(page, (firstPage ?? 0) + numberInFile);
    return fault && describePageFault(fault);
  };
}
