import { closeSync, fstatSync, openSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type RedoFile,
  checkpointLsns,
  decodeLogHeader,
  encryptionBlock,
  fileEndLsn,
  fileHoldsLsn,
  logHeaderBytes,
  lsnToOffset,
  parseRedoFileName,
} from '../../../formats/mysql-redo/index.ts';
import { BackupError, hasCode, toBackupError } from '../../errors.ts';
import { supportedMysql } from '../../server/supported-series.ts';
import { readFully } from '../../tablespace/read-fully.ts';

/** One file as it was when the directory was read. */
interface LiveFile extends RedoFile {
  path: string;
  header: Uint8Array;
}

/** Where the copying starts: a checkpoint and the header of the file that holds it. */
export interface LiveCheckpoint {
  lsn: number;
  header: Uint8Array;
}

/** What lies at an LSN: so many bytes, a file that is still to come, or one that is gone. */
export type LiveRead = { bytes: number } | 'to come' | 'gone';

/**
 * The redo log files of a running server (`#innodb_redo`). It fills one after the
 * other and makes files anew out of those it needs no more. Read-only.
 */
export class LiveRedoFiles {
  readonly directory: string;
  /** The file read last, kept open. */
  #open: { fd: number; file: RedoFile } | undefined;
  /** Key of the encrypted log, as the first file that had one showed it. */
  #key: string | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The newest checkpoint; fails when no file makes sense, as with another format. */
  checkpoint(): LiveCheckpoint {
    const { files, refused } = this.#list();
    const found = files
      .flatMap((file) => checkpointLsns(file.header, file).map((lsn) => ({ lsn, ...file })))
      .reduce<LiveCheckpoint | undefined>(
        (newest, next) => (newest && newest.lsn >= next.lsn ? newest : next),
        undefined,
      );
    if (found) {
      this.#key = keyOf(found.header);
      return { lsn: found.lsn, header: found.header };
    }
    const why = refused ? toBackupError(refused).message : 'no checkpoint in any file';
    throw new BackupError('failed', `redo log ${this.directory}: ${why}`, {
      where: { path: this.directory, field: 'checkpoint' },
      hint: `supported: ${supportedMysql}`,
      cause: refused,
    });
  }

  /** Reads from `lsn` on into `buffer`, to the end of a file at most. */
  read(lsn: number, buffer: Uint8Array): LiveRead {
    const place = this.#seek(lsn);
    if (typeof place === 'string') return place;
    const { fd, file } = place;
    const wanted = Math.min(buffer.length, fileEndLsn(file) - lsn);
    return { bytes: readFully(fd, buffer.subarray(0, wanted), lsnToOffset(file, lsn)) };
  }

  /** Whether the file that held `lsn` is no longer part of the log. */
  isGone(lsn: number): boolean {
    const { files, refused } = this.#list();
    // One that cannot be read now may be the one that has it.
    if (refused !== undefined || files.length === 0) return false;
    return lsn < Math.min(...files.map(({ startLsn }) => startLsn));
  }

  /** Whether the log has a key, so that its blocks may be encrypted. */
  get encrypted(): boolean {
    return this.#key !== undefined;
  }

  close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #seek(lsn: number): { fd: number; file: RedoFile } | 'to come' | 'gone' {
    if (this.#open && fileHoldsLsn(this.#open.file, lsn)) return this.#open;
    const { files, refused } = this.#list();
    const file = files.find((one) => fileHoldsLsn(one, lsn));
    if (!file) {
      const passed = refused === undefined && files.some(({ startLsn }) => startLsn > lsn);
      return passed ? 'gone' : 'to come';
    }
    this.#refuseOtherKey(file);
    this.close();
    try {
      this.#open = { fd: openSync(file.path, 'r'), file };
      return this.#open;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return 'gone';
      throw toBackupError(error, 'access');
    }
  }

  /** Every file in use; one whose header cannot be read is about to be made or reused. */
  #list(): { files: LiveFile[]; refused: unknown } {
    const files: LiveFile[] = [];
    let refused: unknown;
    for (const name of readNames(this.directory)) {
      if (parseRedoFileName(name) === undefined) continue;
      try {
        const file = readHeader(join(this.directory, name));
        if (file) files.push(file);
      } catch (error) {
        refused ??= error;
      }
    }
    return { files, refused };
  }

  /** The header of a backup's log has room for the one key that it began with. */
  #refuseOtherKey({ header, path }: LiveFile): void {
    const key = keyOf(header);
    if (key === undefined || key === this.#key) return;
    throw new BackupError('failed', `the key of the redo log was changed during the backup`, {
      where: { path, field: 'encryption block' },
      hint: 'leave innodb_redo_log_encrypt as it is while a backup runs, and start again',
    });
  }
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw toBackupError(error, 'access');
  }
}

function keyOf(header: Uint8Array): string | undefined {
  const block = encryptionBlock(header);
  return block && Buffer.from(block).toString('hex');
}

/** Undefined when the file is gone again. */
function readHeader(path: string): LiveFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw toBackupError(error, 'access');
  }
  try {
    const bytes = new Uint8Array(logHeaderBytes);
    const header = bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    const { startLsn } = decodeLogHeader(header);
    return { path, header, startLsn, fileBytes: fstatSync(fd).size };
  } finally {
    closeSync(fd);
  }
}
