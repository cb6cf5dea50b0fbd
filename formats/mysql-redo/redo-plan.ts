import { redoFileBytesMax, redoFileBytesMin } from './log-files.ts';
import { blockBytes, logHeaderBytes } from './log-header.ts';

/** One file of a log laid out for a server. Lengths and offsets in bytes. */
export interface PlannedRedoFile {
  /** N of `#ib_redoN`. */
  readonly number: number;
  /** First byte of the payload that stands in this file; its start LSN is that much later. */
  readonly payloadOffset: number;
  readonly payloadBytes: number;
  /** Length of the file, header and zero padding included. */
  readonly fileBytes: number;
  /** Whether the header has the flag `full`: the log goes on in the next file. */
  readonly full: boolean;
}

/**
 * Lays the payload (the blocks behind a backup's log header) over as few files as hold it. All
 * but the last are full to their end; the last has room for one more block, since the end of the
 * log must be inside it. RangeError when the payload is not made of blocks, or page size and
 * limit leave no room.
 */
export function planRedoFiles(
  payloadBytes: number,
  pageSize: number,
  fileBytesMax: number = redoFileBytesMax,
): PlannedRedoFile[] {
  if (!Number.isSafeInteger(payloadBytes) || payloadBytes < 0 || payloadBytes % blockBytes !== 0) {
    throw new RangeError(`${payloadBytes} bytes of payload are not a number of blocks`);
  }
  const largest = roundDown(Math.min(fileBytesMax, redoFileBytesMax), pageSize);
  if (pageSize <= 0 || pageSize % blockBytes !== 0 || !(largest >= redoFileBytesMin)) {
    throw new RangeError(`no redo file has at most ${fileBytesMax} bytes in pages of ${pageSize}`);
  }
  const files: PlannedRedoFile[] = [];
  const room = largest - logHeaderBytes;
  for (let payloadOffset = 0; ; payloadOffset += room) {
    const rest = payloadBytes - payloadOffset;
    const number = files.length;
    if (rest + blockBytes <= room) {
      const needed = Math.max(logHeaderBytes + rest + blockBytes, redoFileBytesMin);
      const fileBytes = roundUp(needed, pageSize);
      files.push({ number, payloadOffset, payloadBytes: rest, fileBytes, full: false });
      return files;
    }
    files.push({ number, payloadOffset, payloadBytes: room, fileBytes: largest, full: true });
  }
}

function roundDown(value: number, unit: number): number {
  return value - (value % unit);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
