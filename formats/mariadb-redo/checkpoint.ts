import { crc32c } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { dataView, layout, raw, u32be, u64be, type Layout } from '../layout.ts';
import { logPayloadOffset } from './log-header.ts';

// A checkpoint block of a MariaDB 10.8+ redo log. Described in checkpoint.md.

const table = {
  checkpointLsn: [u64be, 'every change before this LSN is in the data files'],
  endLsn: [u64be, 'LSN of the mini-transactions that end with FILE_CHECKPOINT(checkpointLsn)'],
  zeros: [raw(44), 'zeros'],
  crc: [u32be, 'CRC-32C of the first 60 bytes'],
} as const;

/** Table of a checkpoint block: 64 bytes. */
export const checkpointTable: Layout<typeof table> = layout('redo checkpoint', table);

/** File offsets of the two checkpoint blocks; the server writes them in turn. */
export const checkpointOffsets = [4096, 8192] as const;

/** A checkpoint: redo is needed from `checkpointLsn`, FILE records stand from `endLsn`. */
export interface Checkpoint {
  readonly checkpointLsn: bigint;
  readonly endLsn: bigint;
}

/**
 * The newest valid checkpoint of a log, from its first 12288 bytes: the larger checkpoint
 * LSN wins, block 2 when both are equal. `undefined` when neither block is valid (a block
 * read while the server writes it is torn and simply loses).
 * FormatError `truncated` when the header is shorter.
 */
export function newestCheckpoint(header: Uint8Array, firstLsn: bigint): Checkpoint | undefined {
  if (header.length < logPayloadOffset) {
    const there = `${logPayloadOffset} bytes wanted, ${header.length} there`;
    throw new FormatError('truncated', 'redo log header', header.length, there);
  }
  let newest: Checkpoint | undefined;
  for (const at of checkpointOffsets) {
    const block = header.subarray(at, at + checkpointTable.size);
    if (brokenCheckpointRule(block, firstLsn) !== undefined) continue;
    const { checkpointLsn, endLsn } = checkpointTable.decode(block);
    if (newest === undefined || checkpointLsn >= newest.checkpointLsn) {
      newest = { checkpointLsn, endLsn };
    }
  }
  return newest;
}

/** The first rule a checkpoint block of 64 bytes breaks, with the value; else `undefined`. */
export function brokenCheckpointRule(block: Uint8Array, firstLsn: bigint): string | undefined {
  const { checkpointLsn, endLsn, zeros, crc } = checkpointTable.decode(block);
  const computed = crc32c(block.subarray(0, checkpointTable.offset.crc));
  if (computed !== crc) return `crc: stored ${crc}, computed ${computed}`;
  if (zeros.some((byte) => byte !== 0)) return 'zeros: not all zero';
  if (checkpointLsn < firstLsn) return `checkpoint lsn ${checkpointLsn} is below ${firstLsn}`;
  if (endLsn < checkpointLsn) return `end lsn ${endLsn} is below checkpoint ${checkpointLsn}`;
  return undefined;
}

/** The 64 bytes of a checkpoint block. */
export function encodeCheckpoint({ checkpointLsn, endLsn }: Checkpoint): Uint8Array {
  const zeros = new Uint8Array(44);
  const block = checkpointTable.encode({ checkpointLsn, endLsn, zeros, crc: 0 });
  const at = checkpointTable.offset.crc;
  dataView(block).setUint32(at, crc32c(block.subarray(0, at)));
  return block;
}
