/**
 * Where the bytes of an archive go. Writes arrive one at a time (the multiplexer
 * is the only writer) and resolve once the buffers may be used again.
 */
export interface ByteSink {
  /** What messages call it: `standard output` or a path. */
  readonly name: string;
  write(buffers: Uint8Array[]): Promise<void>;
  /** Makes what was written durable, as far as the place can, and closes it. */
  close(): Promise<void>;
  /**
   * Gives up: closes without any claim, also while a write is under way that its reader keeps
   * waiting. `last`, no longer than a page of memory, is what a reader gets behind all else, as
   * far as that waits for none. Never throws.
   */
  abort(last?: Uint8Array): Promise<void>;
}
