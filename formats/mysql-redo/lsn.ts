import { blockBytes, logHeaderBytes } from './log-header.ts';

// LSNs are `number` all over this module: the decoders refuse what is beyond the safe integers
// (9 petabytes of redo). An LSN counts every byte of a block, its header and its trailer too.

/** Bytes in front of a block's data, and its checksum behind them. */
export const blockHeaderBytes = 12;
export const blockTrailerBytes = 4;

/** Blocks until the block number starts again at 1 and the epoch grows: 512 GiB of redo. */
export const blocksPerEpoch = 2 ** 30;

/** Where a redo file begins and how long it is, header included. */
export interface RedoFile {
  readonly startLsn: number;
  readonly fileBytes: number;
}

/** LSN of the first byte of the block that holds `lsn`. */
export function blockStart(lsn: number): number {
  return lsn - (lsn % blockBytes);
}

/** The number in the header of the block that holds `lsn`: from 1 to 2^30. */
export function blockNumber(lsn: number): number {
  return 1 + (Math.floor(lsn / blockBytes) % blocksPerEpoch);
}

/** The epoch in the header of the block that holds `lsn`: 1 in the first 512 GiB. */
export function blockEpoch(lsn: number): number {
  return 1 + Math.floor(lsn / blockBytes / blocksPerEpoch);
}

/** LSN behind the last byte of a file: where the next file begins. */
export function fileEndLsn({ startLsn, fileBytes }: RedoFile): number {
  return startLsn + fileBytes - logHeaderBytes;
}

/** Whether the byte at `lsn` stands in this file. */
export function fileHoldsLsn(file: RedoFile, lsn: number): boolean {
  return lsn >= file.startLsn && lsn < fileEndLsn(file);
}

/** File offset of the byte at `lsn`. RangeError when it stands in another file. */
export function lsnToOffset(file: RedoFile, lsn: number): number {
  if (!fileHoldsLsn(file, lsn)) {
    const range = `${file.startLsn} to ${fileEndLsn(file)}`;
    throw new RangeError(`LSN ${lsn} is not in a file from ${range}`);
  }
  return logHeaderBytes + (lsn - file.startLsn);
}

/**
 * Whether the log can end (and a checkpoint can be) at `lsn`: never inside a block's header or
 * trailer. A full block's end is the place behind the header of the next one.
 */
export function isEndLsn(lsn: number): boolean {
  const at = lsn % blockBytes;
  return at >= blockHeaderBytes && at < blockBytes - blockTrailerBytes;
}
