import type { Flavour } from '../../server/flavour.ts';
import type { Encoding } from '../../transform/encoding.ts';
import type { Continuation } from '../../tablespace/identify-space.ts';

/** How the blocks of a file are checked while it is copied. */
export type CopyKind = 'tablespace' | 'aria-index' | 'aria-data' | 'plain';

/** One file to copy. */
export interface CopyJob {
  kind: CopyKind;
  /** The file on the server's disk. */
  source: string;
  /** Its path in the backup. */
  member: string;
  /** Undo tablespaces and the system tablespace may shrink while they are read; tables never do. */
  mayShrink?: boolean;
  /** For every file of the system tablespace but the first. */
  continues?: Continuation | undefined;
  /** Bytes of the file to take at most; what the server appends later comes from its logs. */
  bytesMax?: number;
}

/** What was copied: enough to recognise the file after a rename. */
export interface CopiedFile {
  member: string;
  source: string;
  device: number;
  inode: number;
  size: number;
  /** Undefined for files that are no tablespace, and while page 0 is all zero. */
  spaceId?: number | undefined;
}

/** Set before a thread starts. */
export interface CopyThreadData {
  flavour: Flavour;
  buffers: number;
  chunkBytes: number;
  /** innodb_page_size, for files whose page 0 is not written yet. */
  pageSize: number;
  /** Checkpoint LSN that the backup's redo starts at. */
  redoStart: number;
  encoding: Encoding;
}

export type ToCopyThread = { kind: 'job'; job: CopyJob } | { kind: 'buffer'; buffer: ArrayBuffer };

/** Bytes for the archive, with what the index says of them. */
export interface Chunk {
  buffer: ArrayBuffer;
  length: number;
  crc: number;
  /** Hex; where the archive has digests. */
  sha256: string | undefined;
}

export type FromCopyThread =
  | { kind: 'open'; spaceId?: number | undefined; pageSize?: number | undefined; suffix: string }
  | ({ kind: 'chunk' } & Chunk)
  | { kind: 'copied'; file: CopiedFile }
  /** The file was gone when it was to be opened. */
  | { kind: 'vanished' };
