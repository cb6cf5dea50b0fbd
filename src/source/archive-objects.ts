import { BackupError } from '../errors.ts';
import type { ObjectFacts, ObjectStore } from '../store/object-store.ts';
import type { ByteSource } from './byte-source.ts';
import { readAhead } from './read-ahead.ts';

/** A part of an archive, bytes. */
export interface Range {
  offset: number;
  length: number;
}

/** Bytes of an archive and where they are in it; they may be used until the next are asked for. */
export interface RangePiece {
  offset: number;
  bytes: Uint8Array;
}

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

  /** Whether it still is what was opened. */
  async isThere(): Promise<boolean> {
    for (const { key, size, etag } of this.#objects) {
      const found = await this.#store.head(key);
      if (found?.size !== size || found.etag !== etag) return false;
    }
    return true;
  }

  /** The bytes `offset` to `offset + length` of the archive. */
  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await this.#fill({ offset }, bytes, () => undefined, signal);
    return bytes;
  }

  /** Requests that reading all of it in order takes. */
  get requests(): number {
    return this.requestsOf([{ offset: 0, length: this.size }]);
  }

  /** Requests that reading these ranges takes. */
  requestsOf(ranges: readonly Range[]): number {
    const { bytes } = this.#store.reading;
    return ranges.reduce((sum, { length }) => sum + Math.ceil(length / bytes), 0);
  }

  /** All of it in order, by several requests at a time. */
  source(signal?: AbortSignal): ByteSource {
    return { name: this.name, bytes: this.#inOrder(signal) };
  }

  /** The bytes of ranges, one after the other, in pieces, by several requests at a time. */
  async *ranges(ranges: Iterable<Range>, signal?: AbortSignal): AsyncGenerator<RangePiece> {
    const { bytes: rangeBytes, parallel } = this.#store.reading;
    const reading = {
      bytesMax: Math.min(rangeBytes, this.size),
      parallel,
      fill: this.#fill.bind(this),
    };
    for await (const { piece, at, bytes } of readAhead(
      split(ranges, rangeBytes),
      reading,
      signal,
    )) {
      yield { offset: piece.offset + at, bytes };
    }
  }

  async *#inOrder(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const { bytes } of this.ranges([{ offset: 0, length: this.size }], signal)) {
      yield bytes;
    }
  }

  /** A range may reach over the end of one object into the next. */
  async #fill(
    { offset }: Pick<Range, 'offset'>,
    into: Uint8Array,
    onFilled: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const end = offset + into.length;
    for (const { key, etag, start, size } of this.#objects) {
      const from = Math.max(offset, start);
      const to = Math.min(end, start + size);
      if (from >= to) continue;
      const before = from - offset;
      const part = into.subarray(before, to - offset);
      const onPart = (bytes: number): void => {
        onFilled(before + bytes);
      };
      await this.#store.read({ key, offset: from - start, etag }, part, {
        onFilled: onPart,
        signal,
      });
    }
  }
}

/** Into what one request asks for. */
function* split(ranges: Iterable<Range>, rangeBytes: number): Generator<Range, undefined> {
  for (const { offset, length } of ranges) {
    for (let done = 0; done < length; done += rangeBytes) {
      yield { offset: offset + done, length: Math.min(rangeBytes, length - done) };
    }
  }
  return undefined;
}
