import {
  blockBytes,
  blockDataLength,
  blockStart,
  cutBlock,
  isEncryptedBlock,
  judgeBlock,
  scanBlocks,
} from '../../../formats/mysql-redo/index.ts';
import { BackupError } from '../../errors.ts';
import type { MysqlRedoStatus } from '../../server/mysql/redo-status.ts';
import type { RedoOutput } from '../redo/redo-follower.ts';
import { HeldBlocks } from './held-blocks.ts';
import { type LiveCheckpoint, LiveRedoFiles } from './live-redo-files.ts';

const windowBytes = 4 * 1024 * 1024;

/** What one turn copies at most: a consumer that is silent for too long loses its session. */
const turnBytesMax = 16 * windowBytes;

/**
 * How often bytes below the durable LSN that are not the expected block are read
 * again, once a turn, before they count as damage.
 */
const badReadsMax = 50;

/** What is copied, and how. */
export interface RedoToCopy {
  /** `#innodb_redo`. */
  directory: string;
  /** For what `hold` holds back. */
  spoolDirectory: string;
  /** Whether nobody commits while the end is fixed: an encrypted block cannot be cut there. */
  encrypted: boolean;
}

/**
 * Follows the redo log of a running server from its newest checkpoint. It copies
 * whole blocks as they are, never beyond the LSN that the server calls durable: the
 * block there is written again and again until it is full.
 */
export class RedoCopier {
  readonly checkpoint: LiveCheckpoint;
  readonly #output: RedoOutput;
  readonly #log: RedoToCopy;
  readonly #files: LiveRedoFiles;
  readonly #window = new Uint8Array(windowBytes);
  #position: number;
  #held: HeldBlocks | undefined;
  #badReads = 0;
  #status: MysqlRedoStatus | undefined;

  /** Starts at the newest checkpoint of the log. */
  constructor(log: RedoToCopy, output: RedoOutput) {
    this.#output = output;
    this.#log = log;
    this.#files = new LiveRedoFiles(log.directory);
    this.checkpoint = this.#files.checkpoint();
    this.#position = blockStart(this.checkpoint.lsn);
  }

  /** LSN up to which redo was copied: the start of a block, until `copyLast`. */
  get position(): number {
    return this.#position;
  }

  /**
   * From now on what is copied is held back until `end` says where the log ends: by then more
   * may have been copied than belongs to the backup.
   */
  hold(): void {
    this.#held ??= new HeldBlocks(this.#position, this.#log.spoolDirectory);
  }

  /** Copies whole blocks that the server has made durable, below `stopLsn` at most. */
  copy(status: MysqlRedoStatus, stopLsn = Infinity): void {
    this.#status = status;
    const limit = blockStart(Math.min(status.flushedLsn, stopLsn, this.#position + turnBytesMax));
    while (this.#position < limit && this.#copyWindow(limit));
  }

  /**
   * Copies up to `lsn` and ends the log there; true when that is done. An encrypted block
   * cannot be cut: the few changes behind `lsn` that it holds stay.
   */
  end(status: MysqlRedoStatus, lsn: number): boolean {
    if (this.#position === lsn) return true;
    if ((this.#held?.startLsn ?? this.#position) > lsn) throw this.#passed(lsn);
    const block = this.#held?.release(lsn, this.#output);
    this.#held = undefined;
    if (block) {
      this.#cut(block, lsn);
      return true;
    }
    this.copy(status, lsn);
    return status.flushedLsn >= lsn && this.#position === blockStart(lsn) && this.#endIn(lsn);
  }

  close(): void {
    this.#held?.close();
    this.#files.close();
  }

  /** Ends in the block that comes next, if it reaches that far. */
  #endIn(lsn: number): boolean {
    const block = this.#window.subarray(0, blockBytes);
    const read = this.#files.read(this.#position, block);
    if (typeof read === 'string') return this.#missing(read);
    const state = judgeBlock(block, 0, this.#position);
    if (state !== 'whole' && state !== 'partial') return this.#bad(state);
    if (blockDataLength(block, 0) < lsn - this.#position) return this.#bad('too short');
    this.#refuseUnknownKey(isEncryptedBlock(block, 0));
    this.#cut(block, lsn);
    return true;
  }

  #cut(block: Uint8Array, lsn: number): void {
    const isEncrypted = isEncryptedBlock(block, 0);
    if (isEncrypted && !this.#log.encrypted) throw this.#encryptedMeanwhile();
    this.#output(isEncrypted ? block : cutBlock(block, lsn));
    this.#position = lsn;
  }

  /** Copies one window; false when there is nothing whole to take. */
  #copyWindow(limit: number): boolean {
    const window = this.#window.subarray(0, limit - this.#position);
    const read = this.#files.read(this.#position, window);
    if (typeof read === 'string') return this.#missing(read);
    const scan = scanBlocks(window.subarray(0, read.bytes), this.#position);
    const { wholeBytes, encryptedBlocks, stop } = scan;
    this.#refuseUnknownKey(encryptedBlocks > 0);
    if (wholeBytes === 0) return this.#bad(stop);
    const output = this.#held?.add ?? this.#output;
    output(window.subarray(0, wholeBytes));
    this.#position += wholeBytes;
    this.#badReads = 0;
    return true;
  }

  /** No file has the LSN. */
  #missing(which: 'to come' | 'gone'): false {
    if (which === 'gone') throw this.overrun(this.#status);
    return this.#bad('in no file');
  }

  /** Below the durable LSN there must be redo: not yet visible, taken away, or damaged. */
  #bad(what: string): false {
    const { directory } = this.#files;
    const where = { path: directory, lsn: this.#position };
    if (what === 'overwritten' || this.#files.isGone(this.#position))
      throw this.overrun(this.#status);
    if (what === 'no checksum') {
      throw new BackupError('failed', `the redo log has no checksums`, {
        where,
        hint: 'SET GLOBAL innodb_log_checksums = ON',
      });
    }
    this.#badReads += 1;
    if (this.#badReads <= badReadsMax) return false;
    throw new BackupError(
      'failed',
      `redo log ${directory}: the block at LSN ${this.#position} is ${what}`,
      { where },
    );
  }

  #refuseUnknownKey(encrypted: boolean): void {
    if (encrypted && !this.#files.encrypted) throw this.#encryptedMeanwhile();
  }

  #encryptedMeanwhile(): BackupError {
    return new BackupError('failed', 'the redo log was encrypted during the backup', {
      where: { path: this.#files.directory, lsn: this.#position },
      hint: 'leave innodb_redo_log_encrypt as it is while a backup runs, and start again',
    });
  }

  /** Nothing of it can be taken back. */
  #passed(lsn: number): BackupError {
    const { directory } = this.#files;
    return new BackupError(
      'failed',
      `redo log ${directory}: what is behind LSN ${lsn} was handed over before it was known that the backup ends there`,
      { where: { path: directory, lsn } },
    );
  }

  /** What is to be said when the server is ahead: as far as it is by this status. */
  overrun(status: MysqlRedoStatus | undefined): BackupError {
    const { currentLsn, capacity } = status ?? { currentLsn: this.#position, capacity: 0 };
    const behind = currentLsn - this.#position;
    const enough = Math.ceil((Math.max(behind, capacity) * 2) / 1024 ** 2);
    return new BackupError(
      'overrun',
      `the server reused redo log files before they were copied: copied to LSN ${this.#position}, ` +
        `server at ${currentLsn}, innodb_redo_log_capacity is ${capacity} bytes`,
      {
        where: { path: this.#files.directory, lsn: this.#position },
        hint:
          `set innodb_redo_log_capacity to at least ${enough}M (SET GLOBAL works online), ` +
          'or let the backup register as redo log consumer',
      },
    );
  }
}
