import { reportFileRecords, type FileRecord } from './file-record.ts';
import { rangeCrc32c } from './range-crc.ts';
import { lengthImpossible, lengthNotThere, recordEnd } from './record-end.ts';

// Mini-transactions of a MariaDB 10.8+ redo log. Described in mini-transaction.md.

/** The records of one mini-transaction have fewer bytes than this; the server writes no larger one. */
export const miniTransactionBytesMax = 1_048_576;

/** How a log is walked. LSNs are numbers, see lsn.ts. */
export interface ScanOptions {
  /** What the end marker at this LSN must be; in a backup's log always 1. */
  readonly sequenceBit: (lsn: number) => 0 | 1;
  /** 8 in a log with a key block, see `nonceBytes`. */
  readonly nonceBytes: 0 | 8;
  /** No byte at or beyond this LSN is looked at. */
  readonly limitLsn: number;
  /** Called for each FILE record of a valid mini-transaction; leave it out when they are encrypted. */
  readonly onFileRecord?: (record: FileRecord) => void;
  /** Called for each valid mini-transaction with its window position and length in bytes. */
  readonly onMiniTransaction?: (at: number, length: number) => void;
  /** Sets every end marker that was judged good to 1, in the window itself, as backups have it. */
  readonly setMarkers?: boolean;
}

/**
 * - `limit`: what follows reaches to the limit or beyond;
 * - `need more`: the window ends inside something that is well-formed so far (or behind a whole one);
 * - `not a mini-transaction`: what follows cannot be one; the caller knows whether that
 *   means not yet written, end of the log, overwritten or damaged.
 */
export type ScanStop = 'limit' | 'need more' | 'not a mini-transaction';

/** `consumed`: bytes of whole, valid mini-transactions at the start of the window. */
export interface Scan {
  readonly consumed: number;
  readonly stop: ScanStop;
  /** Why it is not a mini-transaction. */
  readonly reason?: string;
}

const empty = -3;
const tooLong = -4;

/**
 * Walks the whole, CRC-valid mini-transactions at the start of a linear window whose first
 * byte has LSN `startLsn` (the caller unwraps the ring). Never throws on any bytes.
 */
export function scanMiniTransactions(
  window: Uint8Array,
  startLsn: number,
  options: ScanOptions,
): Scan {
  const { sequenceBit, nonceBytes, limitLsn, onFileRecord, onMiniTransaction } = options;
  const setMarkers = options.setMarkers === true;
  const toLimit = limitLsn - startLsn;
  const seen = Math.min(window.length, toLimit);
  const short: ScanStop = toLimit <= window.length ? 'limit' : 'need more';
  let at = 0;
  while (at < seen) {
    const marker = findMarker(window, at, seen);
    if (marker === lengthNotThere) break;
    if (marker < 0) return stopped(at, whyNoMarker(window, at, marker));
    const found = window[marker] as number;
    if (found !== sequenceBit(startLsn + marker)) {
      return stopped(at, `end marker ${found} at lsn ${startLsn + marker} has the wrong sequence`);
    }
    const crcAt = marker + 1 + nonceBytes;
    const end = crcAt + 4;
    if (end > seen) break;
    let crc = rangeCrc32c(window, at, marker);
    if (nonceBytes !== 0) crc = rangeCrc32c(window, marker + 1, crcAt, crc);
    const stored = readU32(window, crcAt);
    if (stored !== crc) return stopped(at, `crc: stored ${hex(stored)}, computed ${hex(crc)}`);
    if (setMarkers) window[marker] = 1;
    if (onFileRecord !== undefined && (window[at] as number) >= 0x80) {
      reportFileRecords(window, at, marker, startLsn + end, onFileRecord);
    }
    if (onMiniTransaction !== undefined) onMiniTransaction(at, end - at);
    at = end;
  }
  return { consumed: at, stop: short };
}

/** Position of the end marker of the mini-transaction at `start`, or a negative reason. */
function findMarker(window: Uint8Array, start: number, seen: number): number {
  const beyond = start + miniTransactionBytesMax;
  if ((window[start] as number) <= 1) return empty;
  let at = start;
  do {
    at = recordEnd(window, at, seen);
    if (at < 0) return at;
    if (at >= beyond) return tooLong;
    if (at >= seen) return lengthNotThere;
  } while ((window[at] as number) > 1);
  return at;
}

function whyNoMarker(window: Uint8Array, at: number, code: number): string {
  if (code === empty) return `no record: first byte is 0x0${window[at] ?? 0}`;
  if (code === lengthImpossible) return 'a record length takes more than 3 bytes';
  return `no end marker within ${miniTransactionBytesMax} bytes`;
}

function stopped(consumed: number, reason: string): Scan {
  return { consumed, stop: 'not a mini-transaction', reason };
}

function readU32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16);
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
