import { crc32c } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { dataView } from '../layout.ts';
import { blockDataLength, blockTable, isEncryptedBlock, judgeBlock } from './block.ts';
import { blockBytes } from './log-header.ts';
import { blockStart, isEndLsn } from './lsn.ts';

/**
 * A copy of a block that ends at `lsn`, as if the server had written no more. `block` is the one
 * that holds `lsn`, whole or partial, and must reach that far.
 * RangeError when a log cannot end at `lsn` (its place in the block is not 12 to 507);
 * FormatError when the block is encrypted (it cannot be cut without its key), is not the one
 * expected at that LSN or ends before it (`truncated`).
 */
export function cutBlock(block: Uint8Array, lsn: number): Uint8Array {
  if (!isEndLsn(lsn)) throw new RangeError(`a log cannot end at LSN ${lsn}`);
  if (block.length < blockBytes) {
    throw fault('truncated', 'data', `${blockBytes} bytes wanted, ${block.length} there`);
  }
  if (isEncryptedBlock(block, 0)) {
    throw fault('invalid', 'dataLength', 'an encrypted block cannot be cut');
  }
  const state = judgeBlock(block, 0, blockStart(lsn));
  if (state !== 'whole' && state !== 'partial') {
    throw fault('invalid', 'number', `the block for LSN ${lsn} is ${state}`);
  }
  const length = lsn % blockBytes;
  if (blockDataLength(block, 0) < length) {
    const message = `the block ends at ${blockDataLength(block, 0)}, before ${length}`;
    throw fault('truncated', 'dataLength', message);
  }
  return cutTo(block, length);
}

function cutTo(block: Uint8Array, length: number): Uint8Array {
  const at = blockTable.offset;
  const cut = new Uint8Array(blockBytes);
  cut.set(block.subarray(0, length));
  const view = dataView(cut);
  view.setUint16(at.dataLength, length);
  // A group that would begin exactly at the end is kept: the server writes it so itself, and
  // finds by it where to start when the checkpoint is that place.
  if (view.getUint16(at.firstRecordGroup) > length) view.setUint16(at.firstRecordGroup, 0);
  view.setUint32(at.crc, crc32c(cut.subarray(0, at.crc)));
  return cut;
}

function fault(
  kind: 'truncated' | 'invalid',
  field: 'number' | 'dataLength' | 'data',
  message: string,
): FormatError {
  return new FormatError(kind, `${blockTable.name} > ${field}`, blockTable.offset[field], message);
}
