/** What a ChunkDecoder tells about an archive, in the order of the archive. */

/** What every chunk has. */
export interface ChunkHead {
  readonly path: string;
  /** The flags byte as it stands; no reader needs it, an inspector shows it. */
  readonly flags: number;
  /** Where the chunk starts in the archive. */
  readonly archiveOffset: number;
  /** Bytes of the chunk before its payload; the whole chunk when it has none. */
  readonly headerLength: number;
}

/** A chunk that carries bytes of a file. */
export interface PayloadHead extends ChunkHead {
  /** Where in the file the payload starts; in a sparse chunk, before the first skip. */
  readonly fileOffset: number;
  /** Bytes of payload. */
  readonly length: number;
  /** The stored CRC-32, not yet verified: `checked` follows the payload when it is. */
  readonly crc: number;
}

/** One run of a sparse chunk: leave `skip` bytes as a hole, then write `length` bytes. */
export interface SparseRun {
  readonly skip: number;
  readonly length: number;
}

/** Starts a run of bytes: `data` pieces of `length` bytes together follow, then `checked`. */
export type PayloadEvent = PayloadHead & { readonly kind: 'payload' };
/** As `payload`, but `map` says where the bytes go. XtraBackup only. */
export type SparseEvent = PayloadHead & {
  readonly kind: 'sparse';
  readonly map: readonly SparseRun[];
};
/** A piece of the payload, a view of the bytes that were pushed. */
export interface DataEvent {
  readonly kind: 'data';
  readonly bytes: Uint8Array;
}
/** The CRC of the payload before this was right. Until then its bytes are unproven. */
export interface CheckedEvent {
  readonly kind: 'checked';
}
/** The next payload of `path` continues at `fileOffset`. MariaDB only. */
export type SeekEvent = ChunkHead & { readonly kind: 'seek'; readonly fileOffset: number };
/** `path` is called `newPath` from here on. MariaDB only. */
export type RenameEvent = ChunkHead & { readonly kind: 'rename'; readonly newPath: string };
/** `path` goes away. MariaDB only. */
export type RemoveEvent = ChunkHead & { readonly kind: 'remove' };
/** The file `path` is complete. */
export type EndEvent = ChunkHead & { readonly kind: 'end' };
/** A chunk of unknown `type` that may be ignored: its CRC was right, its payload is dropped. */
export type IgnoredEvent = PayloadHead & { readonly kind: 'ignored'; readonly type: number };

export type ChunkEvent =
  | PayloadEvent
  | SparseEvent
  | DataEvent
  | CheckedEvent
  | SeekEvent
  | RenameEvent
  | RemoveEvent
  | EndEvent
  | IgnoredEvent;
