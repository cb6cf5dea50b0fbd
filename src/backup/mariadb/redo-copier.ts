import {
  type Checkpoint,
  type FileRecord,
  fileRecordsAreClear,
  nonceBytes,
  scanMiniTransactions,
  sequenceBit,
} from '../../../formats/mariadb-redo/index.ts';
import { BackupError } from '../../errors.ts';
import type { RedoStatus } from '../../server/redo-status.ts';
import type { RedoOutput } from '../redo/redo-follower.ts';
import { LiveRedoLog } from './live-redo-log.ts';

/** More than the largest mini-transaction (1 MiB), so that a window always holds a whole one. */
const windowBytes = 4 * 1024 * 1024;

/**
 * How often bytes below the durable LSN that are no mini-transaction are read
 * again, once a turn, before they count as damage: the page cache may lag a
 * direct write of the server for a moment.
 */
const badReadsMax = 50;

/**
 * Follows the redo log of a running server from its newest checkpoint. It
 * copies whole mini-transactions, never beyond the LSN that the server calls
 * durable: the block behind that is rewritten in place, and a torn read of it can
 * look like a longer valid mini-transaction.
 */
export class RedoCopier {
  /** The checkpoint that copying started at. */
  readonly checkpoint: Checkpoint;
  readonly #output: RedoOutput;
  readonly #onFileRecord: (record: FileRecord) => void;
  readonly #window = new Uint8Array(windowBytes);
  #log: LiveRedoLog;
  #position: number;
  #badReads = 0;
  /** Where the last turn began, and in which ring. */
  #turn = { start: Infinity, capacity: 0 };

  /** Starts at the newest checkpoint of the log at `path`. */
  constructor(path: string, output: RedoOutput, onFileRecord: (record: FileRecord) => void) {
    this.#output = output;
    this.#onFileRecord = onFileRecord;
    this.#log = LiveRedoLog.open(path);
    this.checkpoint = this.#log.checkpoint();
    this.#position = Number(this.checkpoint.checkpointLsn);
  }

  get log(): LiveRedoLog {
    return this.#log;
  }

  /** LSN up to which redo was copied. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that the server may still write before it overwrites what was not copied yet. */
  headRoom(status: RedoStatus): number {
    return this.#log.ring.capacity - (status.currentLsn - this.#position);
  }

  /** Copies what the server has made durable; `stopLsn`: at most up to there. Returns whether it moved. */
  copy(status: RedoStatus, stopLsn = Infinity): boolean {
    this.confirm(status);
    this.#followReplacement();
    const { capacity } = this.#log.ring;
    if (status.currentLsn - this.#position > capacity) throw this.#overrun(status);
    this.#turn = { start: this.#position, capacity };
    const limit = Math.min(status.flushedLsn, stopLsn);
    const start = this.#position;
    const mayCut = limit < status.flushedLsn;
    while (this.#position < limit && this.#copyWindow(limit, mayCut));
    return this.#position > start;
  }

  /**
   * Proves the last turn by a status from after it. Bytes of the next round through
   * the log betray themselves by their sequence bit; those of the round after that
   * would not, had this process been held up for so long.
   */
  confirm(status: RedoStatus): void {
    const { start, capacity } = this.#turn;
    if (status.currentLsn - start >= 2 * capacity) throw this.#overrun(status);
  }

  close(): void {
    this.#log.close();
  }

  /**
   * Copies one window; false when there is nothing whole to take up to `limit`. `mayCut`: the
   * limit may lie inside a mini-transaction, as the durable LSN never does.
   */
  #copyWindow(limit: number, mayCut: boolean): boolean {
    const { ring, header } = this.#log;
    const wanted = Math.min(this.#window.length, limit - this.#position, ring.capacity);
    const window = this.#window.subarray(0, wanted);
    const got = this.#log.read(this.#position, window);
    const clear = fileRecordsAreClear(header.format);
    const { consumed, stop, reason } = scanMiniTransactions(
      window.subarray(0, got),
      this.#position,
      {
        sequenceBit: (lsn) => sequenceBit(lsn, ring),
        nonceBytes: nonceBytes(header.format),
        limitLsn: limit,
        setMarkers: true,
        ...(clear ? { onFileRecord: this.#onFileRecord } : {}),
      },
    );
    if (consumed > 0) {
      this.#output(window.subarray(0, consumed));
      this.#position += consumed;
      this.#badReads = 0;
      return true;
    }
    if (stop === 'not a mini-transaction') this.#bad(reason ?? '');
    else if (!mayCut) this.#bad('a mini-transaction reaches beyond the durable LSN');
    return false;
  }

  /** Below the durable LSN there must be redo: not yet visible, or damaged. */
  #bad(reason: string): void {
    this.#badReads += 1;
    if (this.#badReads <= badReadsMax) return;
    throw new BackupError('failed', `redo log at LSN ${this.#position} is damaged: ${reason}`, {
      where: { path: this.#log.path, lsn: this.#position },
    });
  }

  #overrun(status: RedoStatus): BackupError {
    const behind = status.currentLsn - this.#position;
    const { capacity } = this.#log.ring;
    const enough = Math.ceil((Math.max(behind, capacity) * 2) / 1024 ** 2);
    return new BackupError(
      'overrun',
      `the server overwrote redo before it was copied: copied to LSN ${this.#position}, ` +
        `server at ${status.currentLsn}, the log holds ${capacity} bytes`,
      {
        where: { path: this.#log.path, lsn: this.#position },
        hint: `set innodb_log_file_size to at least ${enough}M (SET GLOBAL works online), or back up at a quieter time`,
      },
    );
  }

  /**
   * `SET GLOBAL innodb_log_file_size` puts a new file in place, into which the
   * server has doubled its writes since the resize began. The old file stays
   * good up to the switch: it is drained until the new one takes over.
   */
  #followReplacement(): void {
    if (!this.#log.isReplaced()) return;
    const next = LiveRedoLog.open(this.#log.path);
    if (this.#position < next.ring.firstLsn) {
      next.close();
      return;
    }
    const changed = (log: LiveRedoLog): string =>
      `${log.header.format} ${Buffer.from(log.header.keyBlock ?? []).toString('hex')}`;
    if (changed(next) !== changed(this.#log)) {
      next.close();
      throw new BackupError(
        'failed',
        'the redo log was replaced by one with another key or format',
      );
    }
    this.#log.close();
    this.#log = next;
  }
}
