/** Takes the copied redo in order; the bytes are valid until it returns. */
export type RedoOutput = (bytes: Uint8Array) => void;

/** Where the copied redo ends. */
export interface RedoEnd {
  /** Newest checkpoint. */
  checkpointLsn: number;
  lastLsn: number;
}

/** Follows the redo log of a running server from its newest checkpoint; one for each flavour. */
export interface RedoFollower {
  /** What the log of a backup begins with. */
  readonly head: Uint8Array;
  /** Checkpoint LSN that copying started at. */
  readonly startLsn: number;
  /** LSN up to which redo was copied. */
  readonly position: number;
  /** Bytes of redo that the server keeps. */
  readonly capacity: number;
  /** Bytes that the server may still write before it overwrites what was not copied yet. */
  readonly headRoom: number;
  /** Something a user should know about how the log is followed. */
  readonly notice: string | undefined;
  /**
   * From now on what is copied waits until `turn` is told where the log ends. Missing where it
   * may end wherever the copy stands.
   */
  hold?(): void;
  /**
   * Copies of what the server has made durable, in bounded time. With `stopLsn`, up to there, and says
   * where the copy ends once it has all of it.
   */
  turn(stopLsn?: number): Promise<RedoEnd | undefined>;
  close(): Promise<void>;
}
