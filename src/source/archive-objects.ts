import { BackupError } from '../errors.ts';
import type { ObjectFacts, ObjectStore } from '../store/object-store.ts';
import { BufferPool } from '../worker/buffer-pool.ts';
import type { ByteSource } from './byte-source.ts';

/** Bytes that one request asks for, and how many requests are under way. */
const rangeBytes = 8 * 1024 * 1024;
const parallel = 4;

interface ArchiveObject extends ObjectFacts {
  key: string;
  /** Archive offset of its first byte. */
  start: number;
}

/** A stored archive, in one object or several, to be read in order or at any offset. */
export class ArchiveObjects {
  readonly name: string;
  /** Bytes of all objects. */
  readonly size: number;
  readonly #store: ObjectStore;
  readonly #objects: ArchiveObject[];

  private constructor(store: ObjectStore, objects: ArchiveObject[]) {
    this.#store = store;
    this.#objects = objects;
    this.name = store.urlOf(objects[0]?.key ?? '');
    this.size = objects.reduce((sum, { size }) => sum + size, 0);
  }

  /** Looks for each object; one that is missing, or of another size than promised, is refused. */
  static async open(
    store: ObjectStore,
    promised: readonly { key: string; size?: number }[],
  ): Promise<ArchiveObjects> {
    const objects: ArchiveObject[] = [];
    let start = 0;
    for (const { key, size } of promised) {
      const found = await store.head(key);
      const path = store.urlOf(key);
      if (!found) throw new BackupError('incomplete', `${path} is missing`, { where: { path } });
      if (size !== undefined && found.size !== size) {
        const message = `${path} has ${found.size} bytes instead of ${size}`;
        throw new BackupError('incomplete', message, { where: { path } });
      }
      objects.push({ key, start, ...found });
      start += found.size;
    }
    return new ArchiveObjects(store, objects);
  }

  /** The bytes `offset` to `offset + length` of the archive. */
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await this.#fill(offset, bytes, signal);
    return bytes;
  }

  /** Requests that reading all of it in order takes. */
  get requests(): number {
    return Math.ceil(this.size / rangeBytes);
  }

  /** All of it in order, by several requests at a time. */
  source(signal?: AbortSignal): ByteSource {
    return { name: this.name, bytes: this.#inOrder(signal) };
  }

  async *#inOrder(outer: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const giveUp = new AbortController();
    const signal = outer ? AbortSignal.any([outer, giveUp.signal]) : giveUp.signal;
    // One is in use by the reader while the others fill up.
    const buffers = new BufferPool(parallel + 1, Math.min(rangeBytes, this.size));
    const coming: Promise<Uint8Array<ArrayBuffer>>[] = [];
    let asked = 0;
    const ask = async (): Promise<void> => {
      const offset = asked;
      asked = Math.min(this.size, asked + rangeBytes);
      const bytes = (await buffers.take()).subarray(0, asked - offset);
      const filled = this.#fill(offset, bytes, signal).then(() => bytes);
      // It is thrown when it is its turn.
      filled.catch(() => undefined);
      coming.push(filled);
    };
    try {
      for (;;) {
        while (asked < this.size && coming.length < parallel) await ask();
        const next = coming.shift();
        if (!next) return;
        const bytes = await next;
        if (asked < this.size) await ask();
        yield bytes;
        buffers.back(bytes.buffer);
      }
    } finally {
      giveUp.abort(new BackupError('failed', 'the rest is not wanted'));
      await Promise.allSettled(coming);
    }
  }

  /** A range may reach over the end of one object into the next. */
  async #fill(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    const end = offset + into.length;
    for (const { key, etag, start, size } of this.#objects) {
      const from = Math.max(offset, start);
      const to = Math.min(end, start + size);
      if (from >= to) continue;
      const part = into.subarray(from - offset, to - offset);
      await this.#store.read({ key, offset: from - start, etag }, part, signal);
    }
  }
}
