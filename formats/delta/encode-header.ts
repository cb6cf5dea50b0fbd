import { FormatError } from '../format-error.ts';
import { dataView } from '../layout.ts';
import { blockHeader, blockPagesMax, lastMagic, listEnd, moreMagic, pageEntry } from './block.ts';
import { checkPageSize } from './page-size.ts';

export interface DeltaHeaderOptions {
  /** Bytes of a page as it lies in the data file. */
  pageSize: number;
  /** No block follows this one. */
  isLast: boolean;
}

/**
 * The header page of a block; the pages follow in the order of their numbers, which ascend, in
 * this block and from block to block. A file whose pages end with a full block has no empty one
 * behind it, so whoever writes has to know of one page more before a block is not the last.
 * @throws FormatError invalid when no reader would take the block.
 */
export function encodeDeltaHeader(
  pageNumbers: ArrayLike<number>,
  { pageSize, isLast }: DeltaHeaderOptions,
): Uint8Array {
  checkPageSize(pageSize, 'delta > page size', 0);
  const count = pageNumbers.length;
  const most = blockPagesMax(pageSize);
  if (count > most || (!isLast && count < most)) {
    throw invalid(0, `${count} pages in a block of ${isLast ? 'at most ' : ''}${most}`);
  }
  const page = new Uint8Array(pageSize);
  page.set(isLast ? lastMagic : moreMagic, blockHeader.offset.magic);
  const view = dataView(page);
  let previous = -1;
  let at = blockHeader.size;
  for (let index = 0; index < count; index += 1, at += pageEntry.size) {
    const number = pageNumbers[index] as number;
    if (!Number.isInteger(number) || number < 0 || number >= listEnd) {
      throw invalid(at, `${number} is no page number`);
    }
    if (number <= previous) throw invalid(at, `${number} behind ${previous}`);
    view.setUint32(at, number);
    previous = number;
  }
  if (count < most) view.setUint32(at, listEnd);
  return page;
}

function invalid(offset: number, message: string): FormatError {
  return new FormatError('invalid', 'delta block > page numbers', offset, message);
}
