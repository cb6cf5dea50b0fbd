import { FormatError } from '../format-error.ts';
import { StickyFailure } from '../sticky-failure.ts';
import {
  blockDataLength,
  blockTable,
  isEncryptedBlock,
  judgeBlock,
  type BlockState,
} from './block.ts';
import { checkpointOffsets, checkpointTable, decodeCheckpoint } from './checkpoint.ts';
import { encryptionBlock } from './encryption-block.ts';
import {
  blockBytes,
  decodeLogHeader,
  logHeaderBytes,
  logHeaderTable,
  type LogHeader,
} from './log-header.ts';
import { blockEpoch, blockHeaderBytes, blockNumber, blockStart, isEndLsn } from './lsn.ts';

/** What a backup's log was found to hold. */
export interface BackupLogReport {
  readonly checkpointLsn: number;
  /** Where the copied redo stops. */
  readonly lastLsn: number;
  /**
   * The LSN that a server names when it has scanned the log to its end: `lastLsn`, but 12 less
   * when the last block is full and no begun one follows.
   */
  readonly scannedLsn: number;
  /** LSN of the first block. */
  readonly startLsn: number;
  readonly logUuid: number;
  readonly creator: string;
  /** Whether the header has the key of an encrypted log (its blocks may still be plain). */
  readonly encrypted: boolean;
  /** Encrypted blocks: their order is proved, what is in them is not. */
  readonly uncheckedBlocks: number;
}

export interface BackupLogOptions {
  /** The LSN the log must reach; it may go on behind. */
  readonly endLsn?: number;
  /**
   * The log of a real XtraBackup, whose header block 0 has a stale checksum and the
   * server's own start LSN. Default false.
   */
  readonly fromXtraBackup?: boolean;
}

interface Head extends LogHeader {
  readonly checkpointLsn: number;
  readonly encrypted: boolean;
}

/**
 * Checks a whole `xtrabackup_logfile` or `#ib_redo0` of a backup, given piece by piece: the four
 * header blocks, that both checkpoints are the same and in the first block, every block in order
 * up to the last, and zeros behind. Without `endLsn` it does not know how far the log should
 * reach: a log cut off between two blocks looks whole, so compare `lastLsn` then.
 */
export class BackupLogCheck {
  readonly #options: BackupLogOptions;
  readonly #buffer = new Uint8Array(logHeaderBytes);
  #filled = 0;
  #walk: BlockWalk | undefined;
  readonly #failure = new StickyFailure();

  constructor(options: BackupLogOptions = {}) {
    this.#options = options;
  }

  /** Takes the next bytes. FormatError `invalid` when something in or before them is damaged. */
  push(bytes: Uint8Array): void {
    this.#failure.run(() => {
      let at = this.#walk === undefined ? this.#takeHeader(bytes) : 0;
      if (this.#walk === undefined) return;
      if (this.#filled > 0) {
        at += this.#fill(bytes.subarray(at), blockBytes);
        if (this.#filled < blockBytes) return;
        this.#walk.take(this.#buffer, 0);
        this.#filled = 0;
      }
      for (; at + blockBytes <= bytes.length; at += blockBytes) this.#walk.take(bytes, at);
      this.#fill(bytes.subarray(at), blockBytes);
    });
  }

  /**
   * No more bytes. FormatError `truncated` when the log stops inside a block, before its
   * checkpoint or before `endLsn`.
   */
  end(): BackupLogReport {
    return this.#failure.run(() => {
      const walk = this.#walk;
      if (walk === undefined) throw truncated('redo log header', this.#filled, 'the log ends here');
      if (this.#filled > 0) {
        throw truncated('redo block', walk.offset + this.#filled, 'the log ends inside a block');
      }
      return walk.finish(this.#options.endLsn);
    });
  }

  #takeHeader(bytes: Uint8Array): number {
    const taken = this.#fill(bytes, logHeaderBytes);
    if (this.#filled === logHeaderBytes) {
      this.#walk = new BlockWalk(readHead(this.#buffer, this.#options.fromXtraBackup === true));
      this.#filled = 0;
    }
    return taken;
  }

  /** Takes what is missing for `wanted` bytes in the buffer. */
  #fill(bytes: Uint8Array, wanted: number): number {
    const piece = bytes.subarray(0, wanted - this.#filled);
    this.#buffer.set(piece, this.#filled);
    this.#filled += piece.length;
    return piece.length;
  }
}

/** The blocks behind the header, one after the other. */
class BlockWalk {
  readonly #head: Head;
  /** LSN of the next block. */
  #lsn: number;
  #lastLsn: number;
  #scannedLsn: number;
  #uncheckedBlocks = 0;
  #ended = false;

  constructor(head: Head) {
    this.#head = head;
    this.#lsn = head.startLsn;
    this.#lastLsn = head.startLsn;
    this.#scannedLsn = head.startLsn;
  }

  /** Offset of the next block in the file. */
  get offset(): number {
    return logHeaderBytes + this.#lsn - this.#head.startLsn;
  }

  take(bytes: Uint8Array, at: number): void {
    const state = judgeBlock(bytes, at, this.#lsn);
    if (this.#ended || (state !== 'whole' && state !== 'partial')) {
      if (!isZeroBlock(bytes, at)) throw this.#misplaced(bytes, at, state);
      this.#ended = true;
    } else {
      if (isEncryptedBlock(bytes, at)) this.#countEncrypted();
      this.#scannedLsn = this.#lsn + blockDataLength(bytes, at);
      this.#lastLsn = this.#scannedLsn + (state === 'whole' ? blockHeaderBytes : 0);
      this.#ended = state === 'partial';
    }
    this.#lsn += blockBytes;
  }

  finish(endLsn: number | undefined): BackupLogReport {
    const { checkpointLsn, startLsn, logUuid, creator, encrypted } = this.#head;
    const lastLsn = this.#lastLsn;
    const wanted = Math.max(checkpointLsn, endLsn ?? 0);
    if (lastLsn < wanted) {
      const end = lastLsn === startLsn ? 'no blocks' : `the blocks end at LSN ${lastLsn}`;
      const which = wanted === checkpointLsn ? 'the checkpoint' : 'the end';
      throw truncated('redo block', this.offset, `${end}, before ${which} ${wanted}`);
    }
    return {
      checkpointLsn,
      lastLsn,
      scannedLsn: this.#scannedLsn,
      startLsn,
      logUuid,
      creator,
      encrypted,
      uncheckedBlocks: this.#uncheckedBlocks,
    };
  }

  #countEncrypted(): void {
    if (!this.#head.encrypted) {
      const message = `block at LSN ${this.#lsn} is encrypted, but the header has no key`;
      throw invalid('redo block > dataLength', this.offset + blockTable.offset.dataLength, message);
    }
    this.#uncheckedBlocks++;
  }

  #misplaced(bytes: Uint8Array, at: number, state: BlockState): FormatError {
    const field = `redo block at LSN ${this.#lsn}`;
    if (this.#ended) {
      const message = `not zero, though the log ended at LSN ${this.#lastLsn}`;
      return invalid(field, this.offset, message);
    }
    if (state === 'no checksum') {
      const message = 'no checksum (innodb_log_checksums=OFF): a server would stop in front of it';
      return invalid(field, this.offset, message);
    }
    const { number, epoch } = blockTable.decode(bytes, at);
    const wanted = `${blockNumber(this.#lsn)} of epoch ${blockEpoch(this.#lsn)}`;
    const message = `${state}: number ${number} of epoch ${epoch} where ${wanted} belongs`;
    return invalid(field, this.offset, message);
  }
}

function readHead(bytes: Uint8Array, fromXtraBackup: boolean): Head {
  const header = decodeLogHeader(bytes, { staleChecksum: fromXtraBackup });
  if (header.flags.length > 0) {
    const message = `a backup's log has no flag ${header.flags.join(', ')}`;
    throw invalid('redo log header > flags', logHeaderTable.offset.flags, message);
  }
  const checkpointLsn = readCheckpoint(bytes);
  const startLsn = blockStart(checkpointLsn);
  if (fromXtraBackup ? startLsn < header.startLsn : startLsn !== header.startLsn) {
    const message = `${checkpointLsn} is not in the first block, at LSN ${header.startLsn}`;
    throw invalid('redo checkpoint > checkpointLsn', checkpointOffsets[0], message);
  }
  const encrypted = encryptionBlock(bytes) !== undefined;
  return { ...header, startLsn, checkpointLsn, encrypted };
}

function readCheckpoint(bytes: Uint8Array): number {
  const [first, second] = checkpointOffsets;
  const lsn = decodeCheckpoint(bytes, first);
  const other = decodeCheckpoint(bytes, second);
  const field = `${checkpointTable.name} > checkpointLsn`;
  const within = checkpointTable.offset.checkpointLsn;
  if (lsn !== other) throw invalid(field, second + within, `${other} is not ${lsn} of block 1`);
  if (!isEndLsn(lsn)) throw invalid(field, first + within, `${lsn} is not between two records`);
  return lsn;
}

function isZeroBlock(bytes: Uint8Array, start: number): boolean {
  for (let at = start; at < start + blockBytes; at++) if (bytes[at] !== 0) return false;
  return true;
}

function invalid(field: string, offset: number, message: string): FormatError {
  return new FormatError('invalid', field, offset, message);
}

function truncated(field: string, offset: number, message: string): FormatError {
  return new FormatError('truncated', field, offset, message);
}
