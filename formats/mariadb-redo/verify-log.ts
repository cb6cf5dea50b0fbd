import { FormatError } from '../format-error.ts';
import { toSafeNumber } from '../layout.ts';
import { StickyFailure } from '../sticky-failure.ts';
import { backupCreatorPrefix } from './backup-header.ts';
import {
  brokenCheckpointRule,
  checkpointOffsets,
  checkpointTable,
  newestCheckpoint,
  type Checkpoint,
} from './checkpoint.ts';
import { isFileCheckpoint, type FileRecord } from './file-record.ts';
import {
  decodeLogHeader,
  fileRecordsAreClear,
  logHeaderTable,
  logPayloadOffset,
  nonceBytes,
  type LogHeader,
} from './log-header.ts';
import {
  miniTransactionBytesMax,
  scanMiniTransactions,
  type ScanOptions,
} from './mini-transaction.ts';
import { recordEnd } from './record-end.ts';

/** What a backup's log was found to hold. */
export interface BackupLogReport {
  readonly checkpointLsn: bigint;
  readonly endLsn: bigint;
  /** End of the last mini-transaction: where the copied redo stops. */
  readonly lastLsn: bigint;
  readonly creator: string;
  readonly format: LogHeader['format'];
  /** False when the log is the checkpoint's own record and nothing else: no recovery is needed. */
  readonly anyChangesBeyondCheckpoint: boolean;
}

// The buffer grows while it holds less than two of the mini-transaction it waits for; at its
// largest any mini-transaction is whole in it, so each scan moves on.
const bufferBytesMin = 65_536;
const bufferBytesMax = 2 * miniTransactionBytesMax;

interface Walk {
  readonly header: LogHeader;
  readonly checkpoint: Checkpoint;
  readonly options: ScanOptions;
  readonly checkpointLsn: number;
  readonly endLsn: number;
  lsn: number;
  /** End of the mini-transaction with the FILE_CHECKPOINT, 0 until it was seen. */
  checkpointRecordEnd: number;
  pageRecordsAtEndLsn: boolean;
}

/**
 * Checks a whole ib_logfile0 of a backup, given piece by piece, in 2 MiB of memory at most: header,
 * checkpoint, every mini-transaction to the end of the file with sequence 1, and the
 * FILE_CHECKPOINT record at the checkpoint's end LSN. It does not know how far the log should
 * reach: compare `lastLsn` with the backup's metadata. In an encrypted log the presence of the
 * FILE_CHECKPOINT is checked, not the LSN it holds.
 */
export class BackupLogCheck {
  #buffer = new Uint8Array(bufferBytesMin);
  #filled = 0;
  #walk: Walk | undefined;
  readonly #failure = new StickyFailure();

  /** Takes the next bytes. FormatError `invalid` when something before them is damaged. */
  push(bytes: Uint8Array): void {
    this.#failure.run(() => {
      let at = 0;
      while (at < bytes.length) {
        const piece = bytes.subarray(at, at + this.#buffer.length - this.#filled);
        this.#buffer.set(piece, this.#filled);
        this.#filled += piece.length;
        at += piece.length;
        if (this.#filled === this.#buffer.length) this.#makeRoom();
      }
    });
  }

  /** No more bytes. FormatError `truncated` when the log stops too early, `invalid` when damaged. */
  end(): BackupLogReport {
    return this.#failure.run(() => {
      this.#check();
      const walk = this.#walk;
      if (walk === undefined) throw truncated('redo log header', this.#filled);
      return finish(walk, this.#filled);
    });
  }

  #makeRoom(): void {
    this.#check();
    if (this.#filled <= this.#buffer.length / 2) return;
    const larger = new Uint8Array(Math.min(2 * this.#buffer.length, bufferBytesMax));
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }

  #check(): void {
    this.#walk ??= this.#readHeader();
    if (this.#walk === undefined) return;
    const consumed = advance(this.#walk, this.#buffer.subarray(0, this.#filled));
    this.#buffer.copyWithin(0, consumed, this.#filled);
    this.#filled -= consumed;
  }

  #readHeader(): Walk | undefined {
    if (this.#filled < logPayloadOffset) return undefined;
    const walk = startWalk(this.#buffer.subarray(0, logPayloadOffset));
    this.#buffer.copyWithin(0, logPayloadOffset, this.#filled);
    this.#filled -= logPayloadOffset;
    return walk;
  }
}

/** Checks the 12288 bytes in front. */
function startWalk(bytes: Uint8Array): Walk {
  const header = decodeLogHeader(bytes);
  if (!header.creator.startsWith(backupCreatorPrefix)) {
    const at = logHeaderTable.offset.creator;
    const message = `"${header.creator}" does not begin with "${backupCreatorPrefix}"`;
    throw invalid('redo log header > creator', at, message);
  }
  const [first, second] = checkpointOffsets;
  refuseNonZero(bytes, logHeaderTable.size, first);
  refuseNonZero(bytes, first + checkpointTable.size, second);
  refuseNonZero(bytes, second, logPayloadOffset);
  const checkpoint = newestCheckpoint(bytes, header.firstLsn);
  if (checkpoint === undefined) {
    const block = bytes.subarray(first, first + checkpointTable.size);
    const rule = brokenCheckpointRule(block, header.firstLsn) ?? 'not valid';
    throw invalid(checkpointTable.name, first, rule);
  }
  if (checkpoint.checkpointLsn !== header.firstLsn) {
    const message = `${checkpoint.checkpointLsn} is not the first lsn ${header.firstLsn}`;
    throw invalid('redo checkpoint > checkpointLsn', first, message);
  }
  const { name, offset } = checkpointTable;
  const lsnAt = first + offset.checkpointLsn;
  const checkpointLsn = toSafeNumber(checkpoint.checkpointLsn, `${name} > checkpointLsn`, lsnAt);
  const endLsn = toSafeNumber(checkpoint.endLsn, `${name} > endLsn`, first + offset.endLsn);
  return makeWalk(header, checkpoint, checkpointLsn, endLsn);
}

function makeWalk(
  header: LogHeader,
  checkpoint: Checkpoint,
  checkpointLsn: number,
  endLsn: number,
): Walk {
  const walk: Walk = {
    header,
    checkpoint,
    checkpointLsn,
    endLsn,
    options: {
      sequenceBit: () => 1,
      nonceBytes: nonceBytes(header.format),
      limitLsn: endLsn,
      ...(fileRecordsAreClear(header.format)
        ? { onFileRecord: (record) => note(walk, record) }
        : {}),
    },
    lsn: checkpointLsn,
    checkpointRecordEnd: 0,
    pageRecordsAtEndLsn: false,
  };
  return walk;
}

function note(walk: Walk, record: FileRecord): void {
  if (record.type === 'unknown') {
    const message = `before lsn ${record.endLsn}: ${record.reason}`;
    throw invalid('FILE record', offsetOf(walk, walk.lsn), message);
  }
  if (record.type !== 'checkpoint' || record.checkpointLsn !== walk.checkpointLsn) return;
  if (record.endLsn > walk.endLsn && walk.checkpointRecordEnd === 0) {
    walk.checkpointRecordEnd = record.endLsn;
  }
}

/** Walks what is whole in the window; returns how many bytes that was. */
function advance(walk: Walk, window: Uint8Array): number {
  let consumed = 0;
  for (;;) {
    const rest = window.subarray(consumed);
    const scan = scanMiniTransactions(rest, walk.lsn, optionsAt(walk, rest));
    consumed += scan.consumed;
    walk.lsn += scan.consumed;
    if (scan.stop === 'need more') return consumed;
    if (scan.stop === 'not a mini-transaction') {
      const field = `mini-transaction at lsn ${walk.lsn}`;
      throw invalid(field, offsetOf(walk, walk.lsn), scan.reason ?? scan.stop);
    }
    if (walk.lsn !== walk.endLsn) {
      const message = `a mini-transaction from ${walk.lsn} runs over ${walk.endLsn}`;
      throw invalid('redo checkpoint > endLsn', checkpointOffsets[0] + 8, message);
    }
  }
}

// Up to the end LSN the walk stops there, so that it is seen to be a border between two
// mini-transactions; behind it each one is looked at until the FILE_CHECKPOINT was found.
function optionsAt(walk: Walk, window: Uint8Array): ScanOptions {
  if (walk.lsn < walk.endLsn) return walk.options;
  const options = { ...walk.options, limitLsn: Infinity };
  if (walk.checkpointRecordEnd !== 0) return options;
  const start = walk.lsn;
  const onMiniTransaction = (at: number, length: number): void => {
    if (walk.checkpointRecordEnd !== 0) return;
    if ((window[at] ?? 0) < 0x80) walk.pageRecordsAtEndLsn = true;
    else if (!fileRecordsAreClear(walk.header.format) && endsWithCheckpoint(window, at)) {
      walk.checkpointRecordEnd = start + at + length;
    }
  };
  return { ...options, onMiniTransaction };
}

function endsWithCheckpoint(window: Uint8Array, start: number): boolean {
  let last = start;
  for (let at = start; (window[at] ?? 0) > 1; at = recordEnd(window, at, window.length)) last = at;
  return isFileCheckpoint(window[last] ?? 0);
}

function finish(walk: Walk, left: number): BackupLogReport {
  const { header, checkpoint, lsn, checkpointRecordEnd } = walk;
  if (left > 0) throw truncated(`mini-transaction at lsn ${lsn}`, offsetOf(walk, lsn) + left);
  if (checkpointRecordEnd === 0) {
    const wanted = `no FILE_CHECKPOINT for lsn ${walk.checkpointLsn} from end lsn ${walk.endLsn}`;
    if (walk.pageRecordsAtEndLsn)
      throw invalid('FILE_CHECKPOINT', offsetOf(walk, walk.endLsn), wanted);
    throw truncated('FILE_CHECKPOINT', offsetOf(walk, lsn), wanted);
  }
  return {
    ...checkpoint,
    lastLsn: BigInt(lsn),
    creator: header.creator,
    format: header.format,
    anyChangesBeyondCheckpoint: walk.endLsn !== walk.checkpointLsn || lsn !== checkpointRecordEnd,
  };
}

function offsetOf(walk: Walk, lsn: number): number {
  return logPayloadOffset + (lsn - walk.checkpointLsn);
}

function refuseNonZero(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    if (bytes[at] === 0) continue;
    const message = `byte ${bytes[at] ?? 0} in a place a backup leaves zero`;
    throw invalid('redo log header', at, message);
  }
}

function invalid(field: string, offset: number, message: string): FormatError {
  return new FormatError('invalid', field, offset, message);
}

function truncated(field: string, offset: number, message = 'the log ends here'): FormatError {
  return new FormatError('truncated', field, offset, message);
}
