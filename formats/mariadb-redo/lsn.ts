import { FormatError } from '../format-error.ts';
import { toSafeNumber } from '../layout.ts';
import { logHeaderTable, logPayloadOffset, type LogHeader } from './log-header.ts';

// LSNs are `number` in the arithmetic of this module: `logRing` and the decoders check with
// `toSafeNumber`. The redo of 2^53 bytes is 9 petabytes; no server gets there.

/** The ring a redo log is. `firstLsn` stands at offset 12288; `capacity` is bytes behind it. */
export interface LogRing {
  readonly firstLsn: number;
  readonly capacity: number;
}

/** The ring of a log file of `fileBytes` bytes. FormatError when there is no room behind the header. */
export function logRing(header: LogHeader, fileBytes: number): LogRing {
  const capacity = fileBytes - logPayloadOffset;
  if (capacity <= 0) {
    throw new FormatError('truncated', 'redo log', fileBytes, 'no bytes behind the header');
  }
  const { name, offset } = logHeaderTable;
  return {
    firstLsn: toSafeNumber(header.firstLsn, `${name} > firstLsn`, offset.firstLsn),
    capacity,
  };
}

/** File offset of the byte at `lsn`. RangeError when the LSN is older than the file. */
export function lsnToOffset(lsn: number, ring: LogRing): number {
  return logPayloadOffset + (bytesSinceFirst(lsn, ring) % ring.capacity);
}

/**
 * What an end marker at `lsn` must be: 1 in the first round through the file, 0 in the
 * second, and so on. RangeError when the LSN is older than the file.
 */
export function sequenceBit(lsn: number, ring: LogRing): 0 | 1 {
  return Math.floor(bytesSinceFirst(lsn, ring) / ring.capacity) % 2 === 0 ? 1 : 0;
}

function bytesSinceFirst(lsn: number, { firstLsn }: LogRing): number {
  if (lsn < firstLsn) throw new RangeError(`lsn ${lsn} is below the log's first lsn ${firstLsn}`);
  return lsn - firstLsn;
}
