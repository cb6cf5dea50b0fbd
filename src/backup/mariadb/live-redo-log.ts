import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import {
  type Checkpoint,
  type LogHeader,
  type LogRing,
  decodeLogHeader,
  logPayloadOffset,
  logRing,
  lsnToOffset,
  newestCheckpoint,
} from '../../../formats/mariadb-redo/index.ts';
import { BackupError, toBackupError } from '../../errors.ts';

/** The server rewrites a checkpoint block in place; a torn read is over this soon. */
const headerTries = 20;

/** The redo log file of a running server: a ring behind a header. Read-only. */
export class LiveRedoLog {
  readonly path: string;
  readonly header: LogHeader;
  readonly ring: LogRing;
  readonly #fd: number;
  readonly #inode: number;

  private constructor(path: string, fd: number, header: LogHeader, size: number, inode: number) {
    this.path = path;
    this.header = header;
    this.ring = logRing(header, size);
    this.#fd = fd;
    this.#inode = inode;
  }

  static open(path: string): LiveRedoLog {
    try {
      const fd = openSync(path, 'r');
      const { size, ino } = fstatSync(fd);
      return new LiveRedoLog(path, fd, decodeLogHeader(readHeader(fd)), size, ino);
    } catch (error) {
      const { code, message } = toBackupError(error);
      throw new BackupError(code === 'storage' ? 'access' : code, `redo log ${path}: ${message}`, {
        where: { path },
        cause: error,
      });
    }
  }

  /** The newest checkpoint, read again until a block is whole. */
  checkpoint(): Checkpoint {
    for (let tries = 0; tries < headerTries; tries++) {
      const found = newestCheckpoint(readHeader(this.#fd), this.header.firstLsn);
      if (found) return found;
    }
    throw new BackupError('failed', `redo log ${this.path}: neither checkpoint block is valid`, {
      where: { path: this.path, offset: 4096, field: 'checkpoint' },
    });
  }

  /** Reads the log from `lsn` on into `buffer`, around the end of the ring; returns the bytes read. */
  read(lsn: number, buffer: Uint8Array): number {
    const { capacity } = this.ring;
    let done = 0;
    while (done < buffer.length) {
      const offset = lsnToOffset(lsn + done, this.ring);
      const untilEnd = logPayloadOffset + capacity - offset;
      const wanted = Math.min(buffer.length - done, untilEnd);
      const got = readSync(this.#fd, buffer, done, wanted, offset);
      if (got === 0) break;
      done += got;
    }
    return done;
  }

  /** True when the server has put another file in this one's place (innodb_log_file_size was set). */
  isReplaced(): boolean {
    const now = statSync(this.path, { throwIfNoEntry: false });
    return now !== undefined && now.ino !== this.#inode;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function readHeader(fd: number): Uint8Array {
  const bytes = new Uint8Array(logPayloadOffset);
  const got = readSync(fd, bytes, 0, bytes.length, 0);
  return bytes.subarray(0, got);
}
