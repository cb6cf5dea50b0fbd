/** An object as a store lists it. */
export interface StoredObject {
  /** Path below the store's root, parted by slashes. */
  key: string;
  /** Bytes. */
  size: number;
  /** When it was last written. */
  modified: Date;
}

/** What a store knows of one object. */
export interface ObjectFacts {
  /** Bytes. */
  size: number;
  /** Changes whenever the object does; undefined where the store has none. */
  etag: string | undefined;
  /** The mark of the upload that made it, where it has one. */
  mark?: string | undefined;
}

/** An object, or part of one, to be read: it must still be the one that `etag` was seen of. */
export interface ObjectRange {
  key: string;
  /** First byte. */
  offset: number;
  etag?: string | undefined;
}

export interface ReadOptions {
  /** Called whenever more has come, with how many bytes of the range there are. */
  onFilled?: (bytes: number) => void;
  signal?: AbortSignal | undefined;
}

/** An upload that was begun and neither completed nor aborted. */
export interface OpenUpload {
  key: string;
  /** What the store calls it. */
  id: string;
  /** Bytes that came in so far. */
  size: number;
  /** When something last came in. */
  active: Date;
}

/**
 * A place that holds objects: a bucket below a prefix, or a directory. Failures are
 * `BackupError`s that name the object; what is worth another try was tried again by then.
 */
export interface ObjectStore {
  /** How long objects are read: the bytes of one request, and how many are under way. */
  readonly reading: { bytes: number; parallel: number };
  /** The URL of an object; of the place itself for an empty key. */
  urlOf(key: string): string;
  /** Undefined when there is no such object. */
  head(key: string): Promise<ObjectFacts | undefined>;
  /** Fills `into` with the bytes of a range, all of them, from the first to the last. */
  read(range: ObjectRange, into: Uint8Array, options?: ReadOptions): Promise<void>;
  /**
   * Writes a small object in one go; one that exists is never overwritten. `signal` ends the tries,
   * not the one that is under way: when it rejects, nothing is written any more.
   */
  put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Every object whose key begins with `prefix`, in the order of the keys. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject>;
  /** Removes objects; those that are gone already are no failure. */
  delete(keys: readonly string[]): Promise<void>;
  /** Uploads left open whose key begins with `prefix`; undefined where the store cannot tell. */
  openUploads(prefix: string): Promise<OpenUpload[] | undefined>;
  abortUpload(upload: OpenUpload): Promise<void>;
}

/** An object that is written in parts: it exists when it was completed, and not before. */
export interface Upload {
  /** Uploads part `number` (from 1). The bytes may be used again when it resolves. */
  part(number: number, bytes: Uint8Array): Promise<void>;
  /** All parts are there: makes them the object and proves its size. */
  complete(): Promise<ObjectFacts>;
  /** Leaves nothing behind, not even where it was completed already. */
  abort(): Promise<void>;
}

/** A store that takes objects in parts. */
export interface UploadStore extends ObjectStore {
  /** Proves that an object may be written, by an upload that is begun and aborted. */
  probe(key: string): Promise<void>;
  upload(key: string): Upload;
}
