import { crc32 } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import type { AriaIndexHeader } from './index-header.ts';

/** Which of the two files of a table. */
export type AriaFile = 'index' | 'data';

/** A page that is not whole: what it holds, and what it should hold. */
export interface AriaPageFault {
  readonly rule: 'checksum' | 'used length';
  readonly stored: number;
  readonly computed: number;
}

/** The fault in words. */
export function describeAriaPageFault({ rule, stored, computed }: AriaPageFault): string {
  return rule === 'used length'
    ? `used length ${stored}, at most ${computed} possible`
    : `checksum 0x${stored.toString(16).padStart(8, '0')}, expected 0x${computed.toString(16).padStart(8, '0')}`;
}

export type AriaPageCheck = (page: Uint8Array, pageNumber: number) => AriaPageFault | undefined;

const checksumSize = 4;
/** In the place of a CRC: none was made; the second for a bitmap page of an empty table. */
const noChecksum = 0xffff_ffff;
const noBitmapChecksum = 0xffff_fffe;
/** Key page headers end with the used length, whose top bit is a flag of its own. */
const usedMask = 0x7fff;
const keyHeaderBytes = { transactional: 17, plain: 4 } as const;

const zeros = new Uint8Array(32768);

/**
 * A check for the pages of one of the two files of an Aria table, by the CRC in their last
 * four bytes. Pages are `header.blockSize` bytes and numbered from the start of the file;
 * fewer bytes are a FormatError of kind `truncated`, more of kind `invalid`.
 *
 * There is nothing to check, and every page passes, in a table without page checksums or with
 * encrypted pages, in
 * the header of the index file, and in the data file of a table that is not of type
 * `block`, which is not divided into pages. The rules are in page-crc.md.
 */
export function createAriaPageCheck(header: AriaIndexHeader, file: AriaFile): AriaPageCheck {
  const { blockSize, pageChecksum, encrypted, transactional } = header;
  const first = file === 'index' ? header.keyStart / blockSize : 0;
  const paged = file === 'index' || header.dataType === 'block';
  const keyHeader = transactional ? keyHeaderBytes.transactional : keyHeaderBytes.plain;
  return (page, pageNumber) => {
    if (page.length !== blockSize) throw wrongSize(page.length, blockSize);
    if (!pageChecksum || encrypted || !paged || pageNumber < first) return undefined;
    const covered = file === 'index' ? usedLength(page, keyHeader) : blockSize - checksumSize;
    return checkPage(page, pageNumber, covered, keyHeader);
  };
}

function checkPage(
  page: Uint8Array,
  pageNumber: number,
  covered: number,
  coveredMin: number,
): AriaPageFault | undefined {
  const end = page.length - checksumSize;
  const stored = readU32le(page, end);
  if (stored === noChecksum || stored === noBitmapChecksum) return undefined;
  const plausible = covered >= coveredMin && covered <= end;
  const computed = plausible ? crc32(page.subarray(0, covered), pageNumber) : 0;
  if (plausible && stored === computed) return undefined;
  if (Buffer.compare(page, zeros.subarray(0, page.length)) === 0) return undefined;
  if (plausible) return { rule: 'checksum', stored, computed };
  return { rule: 'used length', stored: covered, computed: end };
}

function usedLength(page: Uint8Array, keyHeader: number): number {
  return (((page[keyHeader - 2] ?? 0) << 8) | (page[keyHeader - 1] ?? 0)) & usedMask;
}

function readU32le(page: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = page.subarray(at, at + 4);
  return ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
}

function wrongSize(length: number, wanted: number): FormatError {
  const kind = length < wanted ? 'truncated' : 'invalid';
  return new FormatError(kind, 'Aria page', length, `${length} bytes, a page has ${wanted}`);
}
