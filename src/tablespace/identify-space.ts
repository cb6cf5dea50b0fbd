import {
  type SpaceFormat,
  type SpaceHeader,
  createPageCheck,
  describePageFault,
  isDoublewriteArea,
  parseMysqlSpaceFlags,
  parseSpaceFlags,
  readSpaceHeader,
} from '../../formats/innodb/index.ts';
import type { Flavour } from '../server/flavour.ts';
import { readFully } from './read-fully.ts';

/** A tablespace as its page 0 describes it. */
export interface SpaceIdentity {
  spaceId: number;
  /** As they are in page 0. */
  flags: number;
  format: SpaceFormat;
}

/** Where a later file of the system tablespace, which has no page 0 of its own, belongs. */
export interface Continuation {
  /** Path of the file that begins the tablespace. */
  firstFile: string;
  /** Bytes of all files before this one. */
  bytesBefore: number;
}

/** Enough of page 0 for its header, whatever the page size. */
const page0Bytes = 1024;

/**
 * Reads page 0; undefined while it is all zero (the file is new and its space id
 * known to the redo log only). A FormatError when it makes no sense.
 */
export function identifySpace(fd: number, flavour: Flavour): SpaceIdentity | undefined {
  const page0 = new Uint8Array(page0Bytes);
  if (readFully(fd, page0, 0) < page0Bytes) return undefined;
  const header = readSpaceHeader(page0);
  if (!header) return undefined;
  return spaceIdentity(header, flavour);
}

/** @throws FormatError when the flags make no sense. */
export function spaceIdentity({ spaceId, flags }: SpaceHeader, flavour: Flavour): SpaceIdentity {
  const parse = flavour === 'mysql' ? parseMysqlSpaceFlags : parseSpaceFlags;
  return { spaceId, flags, format: parse(flags) };
}

/**
 * A check for the pages of a space that says in words what is wrong with one. Later files
 * of the system tablespace continue the page numbers of the first: `firstPage`.
 */
export function describingPageCheck(
  { spaceId, format }: Pick<SpaceIdentity, 'spaceId' | 'format'>,
  firstPage = 0,
): (page: Uint8Array, number: number) => string | undefined {
  const check = createPageCheck(format, { spaceId });
  return (page, numberInFile) => {
    const number = firstPage + numberInFile;
    // The old doublewrite buffer holds copies of other spaces' pages, which nothing can place.
    if (spaceId === 0 && isDoublewriteArea(number, format.pageSize)) return undefined;
    const fault = check(page, number);
    return fault && describePageFault(fault);
  };
}
