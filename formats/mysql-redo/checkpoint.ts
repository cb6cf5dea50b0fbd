import { crc32c } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { dataView, layout, raw, toSafeNumber, u32be, u64be, type Layout } from '../layout.ts';
import { logHeaderBytes } from './log-header.ts';
import { fileHoldsLsn, type RedoFile } from './lsn.ts';

// Header blocks 1 and 3 of a MySQL 8.0.30+ redo file. Described in checkpoint.md.

const table = {
  unused: [u64be, 'zero since MySQL 8.0.30'],
  checkpointLsn: [u64be, 'every change before this LSN is in the data files; 0 for none'],
  reserved: [raw(492), 'zeros'],
  crc: [u32be, 'CRC-32C of bytes 0 to 507'],
} as const;

/** Table of a checkpoint block: 512 bytes. */
export const checkpointTable: Layout<typeof table> = layout('redo checkpoint', table);

/** File offsets of the two checkpoint blocks; the server writes them in turn. */
export const checkpointOffsets = [512, 1536] as const;

/**
 * The checkpoint LSNs in the first 2048 bytes of a redo file, in the order of their blocks: those
 * whose checksum holds and that stand in this very file. None in most files: a new file has no
 * checkpoint, and a block read while the server writes it is torn and simply loses. The
 * newest checkpoint of a log is the greatest of all its files.
 * FormatError `truncated` when the header is shorter.
 */
export function checkpointLsns(header: Uint8Array, file: RedoFile): number[] {
  if (header.length < logHeaderBytes) {
    const there = `${logHeaderBytes} bytes wanted, ${header.length} there`;
    throw new FormatError('truncated', 'redo log header', header.length, there);
  }
  const found: number[] = [];
  for (const at of checkpointOffsets) {
    const { checkpointLsn, crc } = checkpointTable.decode(header, at);
    if (checksum(header, at) !== crc) continue;
    // Beyond the safe integers a number is not exact, but there no file holds it.
    const lsn = Number(checkpointLsn);
    if (fileHoldsLsn(file, lsn)) found.push(lsn);
  }
  return found;
}

/**
 * The LSN in the checkpoint block at `at`, one of `checkpointOffsets`; 0 when there is none.
 * FormatError: `truncated` with fewer bytes, `invalid` when the checksum does not match or the LSN
 * is beyond the safe integers.
 */
export function decodeCheckpoint(header: Uint8Array, at: number): number {
  const { name, offset } = checkpointTable;
  const { checkpointLsn, crc } = checkpointTable.decode(header, at);
  const computed = checksum(header, at);
  if (computed !== crc) {
    const message = `stored ${crc}, computed ${computed}`;
    throw new FormatError('invalid', `${name} > crc`, at + offset.crc, message);
  }
  return toSafeNumber(checkpointLsn, `${name} > checkpointLsn`, at + offset.checkpointLsn);
}

/** The 512 bytes of a checkpoint block; LSN 0 makes the one of a file without checkpoint. */
export function encodeCheckpoint(checkpointLsn: number): Uint8Array {
  const block = new Uint8Array(checkpointTable.size);
  const view = dataView(block);
  const at = checkpointTable.offset;
  view.setBigUint64(at.checkpointLsn, BigInt(checkpointLsn));
  view.setUint32(at.crc, checksum(block, 0));
  return block;
}

function checksum(header: Uint8Array, at: number): number {
  return crc32c(header.subarray(at, at + checkpointTable.offset.crc));
}
