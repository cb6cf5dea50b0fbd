import type { Access } from '../../server/session.ts';
import type { RedoEnd } from './redo-follower.ts';

/** Where the redo log of a MariaDB server is. */
export interface MariadbRedoLog {
  flavour: 'mariadb';
  path: string;
  /** `Backup <version>`: what the server checks in the header of a backup's log. */
  creator: string;
}

/** Where the redo log of a MySQL server is. */
export interface MysqlRedoLog {
  flavour: 'mysql';
  /** `#innodb_redo`, absolute. */
  directory: string;
  /** It was being encrypted when the backup began: nobody commits then while the end is fixed. */
  encrypted: boolean;
  /** Ask the server to keep its files until they are copied. */
  register: boolean;
}

export type RedoLogPlace = MariadbRedoLog | MysqlRedoLog;

/** What the redo thread is started with. */
export interface RedoThreadData {
  access: Access;
  log: RedoLogPlace;
  /** Directory for redo that the sink does not take in time. */
  spoolDirectory: string;
}

export type ToRedoThread =
  /** The sink may be handed one more chunk. */
  | { kind: 'credit' }
  /** Hand over nothing more until the end is known. */
  | { kind: 'hold' }
  /** Copy up to this LSN, then stop. */
  | { kind: 'finish'; lsn: number };

/** A table file that was created, renamed or deleted, as the redo log tells it. */
export interface DdlRecord {
  kind: 'ddl';
  type: 'create' | 'rename' | 'delete';
  path: string;
  /** End of the mini-transaction. */
  lsn: number;
}

export interface RedoProgress {
  kind: 'progress';
  /** LSN copied up to. */
  position: number;
  capacity: number;
  /** Bytes the server may write before it overwrites what was not copied. */
  headRoom: number;
  spilledBytes: number;
}

export type FromRedoThread =
  | { kind: 'started'; startLsn: number; notice: string | undefined }
  | { kind: 'chunk'; bytes: Uint8Array<ArrayBuffer>; crc: number }
  | DdlRecord
  | RedoProgress
  /** What comes from now on waits for `finish`. */
  | { kind: 'held' }
  /** Copying is over; what is still queued follows as chunks, then `drained`. */
  | ({ kind: 'reached' } & RedoEnd)
  | { kind: 'drained' };
