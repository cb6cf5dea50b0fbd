import type { DeltaContent } from '../../formats/archive-record/index.ts';

/** What is known of a member when it is opened. */
export interface MemberInfo {
  /** Path inside the backup: `db/t.ibd`; at most 511 bytes. */
  path: string;
  spaceId?: number | undefined;
  pageSize?: number | undefined;
  /** Of the writes that wait, every other is one of these: redo that waits fills the spool. */
  urgent?: boolean;
  /** Its bytes are compressed or encrypted already: not worth another compression. */
  packed?: boolean;
}

/** A member being written; its bytes arrive in order. */
export interface MemberWriter {
  /**
   * `crc` is the CRC-32 of `payload`, `sha256` its SHA-256 in hex where the caller has it
   * already; resolves when the buffer may be used again.
   */
  write(payload: Uint8Array, crc: number, sha256?: string): Promise<void>;
  /**
   * `plainSize`: bytes of the file that an encoded member decodes to; `delta`: what the changed
   * pages are that it holds.
   */
  close(plainSize?: number, delta?: DeltaContent): Promise<void>;
}

/** What members can be written to. */
export interface Members {
  open(info: MemberInfo): MemberWriter;
}

/** The moment that a backup shows. */
export interface EndPosition {
  /** Newest checkpoint: what the next incremental of stock tools starts from. */
  toLsn: number;
  /** End of the copied redo. */
  lastLsn: number;
  binlog: { file: string; position: number; gtid: string } | undefined;
}

/** Where the members of a backup go: an archive, or a directory of plain files. */
export interface MemberStore extends Members {
  /** Payload bytes written so far. */
  readonly bytesWritten: number;
  /** Commits: after this the backup is a backup. Every member is closed. */
  finish(position: EndPosition): Promise<void>;
  /** Gives up: nothing that was written may pass as a backup. Never throws. */
  abort(): Promise<void>;
}
