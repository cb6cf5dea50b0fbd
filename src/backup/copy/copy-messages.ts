import type { DeltaContent } from '../../../formats/archive-record/index.ts';
import type { PageSegments } from '../../../formats/page-track/index.ts';
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
  /** All of it, in an increment too. */
  whole?: boolean;
  /** In an increment: of this tablespace no other pages changed. */
  changed?: { spaceId: number; pages: PageSegments } | undefined;
  /** Bytes of the file to take at most; what the server appends later comes from its logs. */
  bytesMax?: number;
}

/** What was copied: enough to recognise the file after a rename. */
export interface CopiedFile {
  member: string;
  source: string;
  device: number;
  inode: number;
  /** When the file was made; 0 where the file system does not tell. */
  bornMs: number;
  /** Bytes that were copied. */
  size: number;
  /** Undefined for files that are no tablespace, and while page 0 is all zero. */
  spaceId?: number | undefined;
}

/** What an increment takes of a tablespace. */
export interface IncrementSelection {
  /** Pages with an LSN of at least this. */
  sinceLsn: number;
  /** Space ids that the parent has: any other is taken whole. Undefined: the LSNs alone decide. */
  knownSpaces?: Uint32Array | undefined;
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
  /** Undefined: files are copied whole. */
  increment?: IncrementSelection | undefined;
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

/** A member begins. */
export interface OpenedMember {
  kind: 'open';
  spaceId?: number | undefined;
  pageSize?: number | undefined;
  /** Goes behind the path of the job. */
  suffix: string;
  /** The `.meta` file that comes before a `.delta`. */
  meta?: Uint8Array | undefined;
}

/** It ends. */
export interface CopiedMember {
  kind: 'copied';
  file: CopiedFile;
  /** Bytes that the member decodes to; undefined where it is not encoded. */
  plainSize?: number | undefined;
  delta?: DeltaContent | undefined;
}

/** Pages of an increment: how many were read, and their bytes, and how many were taken. */
export interface PageCount {
  read: number;
  bytes: number;
  taken: number;
}

export type FromCopyThread =
  | OpenedMember
  | ({ kind: 'chunk' } & Chunk)
  | ({ kind: 'pages' } & PageCount)
  | CopiedMember
  /** The file was gone when it was to be opened. */
  | { kind: 'vanished' };
