import type {
  ObjectFacts,
  ObjectRange,
  OpenUpload,
  StoredObject,
  Upload,
  UploadStore,
} from '../../src/store/object-store.ts';

/** What every byte of an archive is expected to be, so that nobody has to keep them. */
export type Model = (offset: number, into: Uint8Array) => void;

const partBytesMin = 5 * 1024 * 1024;
const partsMax = 10_000;
/** Parts that are not as the model has them: records at both ends. */
const literalsMax = 4;

interface Part {
  bytes: number;
  literal: Uint8Array | undefined;
}

/** A store with the limits of S3. It keeps what differs from the model, and may keep little. */
export class LimitedStore implements UploadStore {
  readonly reading = { bytes: 16 * 1024 * 1024, parallel: 3 };
  readonly objects = new Map<string, Part[]>();
  readonly #model: Model;
  readonly #partBytes: number;
  readonly #perObject: number;
  readonly #scratch: Uint8Array;
  #literals = 0;

  /** `perObject`: parts that go into each object but the last, to know where an object starts. */
  constructor(model: Model, partBytes: number, perObject: number) {
    this.#model = model;
    this.#partBytes = partBytes;
    this.#perObject = perObject;
    this.#scratch = new Uint8Array(partBytes);
  }

  urlOf(key: string): string {
    return `limited:${key}`;
  }

  upload(key: string): Upload {
    const ordinal = this.objects.size;
    const parts: Part[] = [];
    this.objects.set(key, []);
    return {
      part: (number, bytes) => {
        if (number > partsMax) throw new Error(`InvalidArgument: part ${number}`);
        const start = (ordinal * this.#perObject + number - 1) * this.#partBytes;
        parts[number - 1] = { bytes: bytes.length, literal: this.#difference(start, bytes) };
        return Promise.resolve();
      },
      complete: () => {
        const short = parts.slice(0, -1).findIndex(({ bytes }) => bytes < partBytesMin);
        if (short >= 0) throw new Error(`EntityTooSmall: part ${short + 1}`);
        this.objects.set(key, parts);
        return this.head(key);
      },
      abort: () => Promise.resolve(),
    };
  }

  head(key: string): Promise<ObjectFacts> {
    const parts = this.objects.get(key) ?? [];
    const size = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    return Promise.resolve({ size, etag: undefined });
  }

  read({ key, offset }: ObjectRange, into: Uint8Array): Promise<void> {
    const ordinal = [...this.objects.keys()].indexOf(key);
    const objectStart = ordinal * this.#perObject * this.#partBytes;
    for (let filled = 0; filled < into.length;) {
      const at = offset + filled;
      const number = Math.floor(at / this.#partBytes);
      const inPart = at - number * this.#partBytes;
      const part = this.objects.get(key)?.[number];
      if (!part) throw new Error(`nothing at ${key}:${at}`);
      const piece = into.subarray(filled, filled + part.bytes - inPart);
      if (part.literal) piece.set(part.literal.subarray(inPart, inPart + piece.length));
      else this.#model(objectStart + at, piece);
      filled += piece.length;
    }
    return Promise.resolve();
  }

  /** The bytes themselves where they are not what the model says. */
  #difference(start: number, bytes: Uint8Array): Uint8Array | undefined {
    const expected = this.#scratch.subarray(0, bytes.length);
    this.#model(start, expected);
    if (Buffer.compare(expected, bytes) === 0) return undefined;
    this.#literals += 1;
    if (this.#literals > literalsMax) throw new Error(`other bytes came at ${start}`);
    return Uint8Array.from(bytes);
  }

  put(): Promise<void> {
    return Promise.reject(new Error('not here'));
  }

  probe(): Promise<void> {
    return Promise.reject(new Error('not here'));
  }

  async *list(): AsyncGenerator<StoredObject> {
    // Nothing is listed.
  }

  delete(): Promise<void> {
    return Promise.reject(new Error('not here'));
  }

  openUploads(): Promise<OpenUpload[]> {
    return Promise.resolve([]);
  }

  abortUpload(): Promise<void> {
    return Promise.reject(new Error('not here'));
  }
}
