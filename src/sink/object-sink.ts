import type { ObjectFacts, Upload, UploadStore } from '../store/object-store.ts';
import { BufferPool } from '../worker/buffer-pool.ts';
import type { ByteSink } from './byte-sink.ts';

export interface ObjectLimits {
  /** Bytes of every part but the last. */
  partBytes: number;
  /** Parts of one object. */
  partsMax: number;
  /** Parts in memory: under way, and the one that is filled. */
  parallel: number;
}

export interface ObjectSinkOptions extends ObjectLimits {
  /** Hears of what could not be removed after a failure. */
  warn: (message: string) => void;
}

/** One of the objects that an archive consists of. */
export interface WrittenObject extends ObjectFacts {
  key: string;
}

/**
 * An archive of unknown length in a store that limits objects: parts of a fixed size, so that
 * memory does not grow with it, and before an object is full the archive goes on in the next.
 */
export class ObjectSink implements ByteSink {
  readonly name: string;
  readonly #store: UploadStore;
  readonly #keyOf: (ordinal: number) => string;
  readonly #options: ObjectSinkOptions;
  readonly #buffers: BufferPool;
  readonly #uploads: { key: string; upload: Upload; sent: Promise<void>[] }[] = [];
  readonly #completed: Promise<WrittenObject>[] = [];
  #part: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #failure: { error: unknown } | undefined;

  /** `keyOf` names the first, second, ... object. */
  constructor(store: UploadStore, keyOf: (ordinal: number) => string, options: ObjectSinkOptions) {
    this.name = store.urlOf(keyOf(1));
    this.#store = store;
    this.#keyOf = keyOf;
    this.#options = options;
    // While one is filled, which takes no time, the others are on their way.
    this.#buffers = new BufferPool(options.parallel, options.partBytes);
  }

  async write(buffers: Uint8Array[]): Promise<void> {
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.length;) {
        if (this.#failure) throw this.#failure.error;
        this.#part ??= await this.#buffers.take();
        const piece = buffer.subarray(at, at + this.#part.length - this.#filled);
        this.#part.set(piece, this.#filled);
        this.#filled += piece.length;
        at += piece.length;
        if (this.#filled === this.#part.length) this.#send();
      }
    }
  }

  async close(): Promise<void> {
    this.#send();
    this.#complete();
    await Promise.all(this.#completed);
  }

  /** What the archive consists of, once it is closed. */
  async objects(): Promise<WrittenObject[]> {
    return await Promise.all(this.#completed);
  }

  async abort(): Promise<void> {
    this.#failure ??= { error: new Error('given up') };
    for (const { key, upload } of this.#uploads) {
      await upload.abort().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.warn(`what was uploaded of ${this.#store.urlOf(key)} is left: ${reason}`);
      });
    }
  }

  /** Sends the part that was filled on its way; who asks for the next buffer waits for one. */
  #send(): void {
    const part = this.#part;
    if (!part || this.#filled === 0) return;
    const bytes = part.subarray(0, this.#filled);
    this.#part = undefined;
    this.#filled = 0;
    const { upload, sent } = this.#current();
    const sending = upload.part(sent.length + 1, bytes).catch((error: unknown) => {
      this.#failure ??= { error };
      throw error;
    });
    const done = sending.finally(() => {
      this.#buffers.back(part.buffer);
    });
    // It is thrown where the object is completed, or by the next write.
    done.catch(() => undefined);
    sent.push(done);
    if (sent.length === this.#options.partsMax) this.#complete();
  }

  /** The object that takes the next part. */
  #current(): { upload: Upload; sent: Promise<void>[] } {
    const open = this.#uploads[this.#completed.length];
    if (open) return open;
    const key = this.#keyOf(this.#uploads.length + 1);
    const begun = { key, upload: this.#store.upload(key), sent: [] };
    this.#uploads.push(begun);
    return begun;
  }

  /** Completes the object at hand, if there is one, when its parts have arrived. */
  #complete(): void {
    const open = this.#uploads[this.#completed.length];
    if (!open) return;
    const { key, upload, sent } = open;
    const completing = Promise.all(sent).then(async () => ({ key, ...(await upload.complete()) }));
    completing.catch((error: unknown) => {
      this.#failure ??= { error };
    });
    this.#completed.push(completing);
  }
}
