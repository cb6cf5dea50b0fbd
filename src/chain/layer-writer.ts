import type { FileHandle } from 'node:fs/promises';
import { DeltaDecoder } from '../../formats/delta/index.ts';
import { BackupError } from '../errors.ts';
import type { Run } from '../sink/page-holes.ts';
import { withPath } from '../sink/with-path.ts';
import { writeFully } from '../sink/write-fully.ts';
import type { ChainFiles } from './chain-files.ts';
import { deltaRuns } from './delta-runs.ts';
import type { LayerChunks, Slot } from './layer-chunks.ts';
import type { PageSet } from './page-set.ts';
import type { Layer } from './plan-chain.ts';

/** Lays the pages of one member over its file, but for those that newer links replace. */
export class LayerWriter {
  readonly #layer: Layer;
  readonly #files: ChainFiles;
  readonly #superseded: PageSet;
  readonly #slots: Iterator<Slot> | undefined;
  readonly #delta: DeltaDecoder | undefined;
  #handle: FileHandle | undefined;
  /** The page at hand unless it is not wanted, and how many bytes of it are still to come. */
  #page: Slot | undefined;
  #missing = 0;

  constructor(layer: Layer, { slots }: LayerChunks, superseded: PageSet, files: ChainFiles) {
    this.#layer = layer;
    this.#files = files;
    this.#superseded = superseded;
    this.#slots = slots?.();
    if (!slots) this.#delta = new DeltaDecoder(layer.file.pageSize);
  }

  /** The next bytes of the chunks that are read; they may be used again when it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    const runs = this.#delta ? this.#decode(this.#delta, bytes) : this.#runs(bytes);
    for (const run of runs) await this.#put(run);
  }

  /** All bytes came. */
  async close(): Promise<void> {
    this.#delta?.end();
    const isWhole = this.#missing === 0 || this.#layer.entry.delta === undefined;
    if (this.#slots && (!isWhole || this.#slots.next().done !== true)) {
      throw this.#corrupt('it has fewer pages than the index says');
    }
    await this.abandon();
  }

  async abandon(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  *#runs(bytes: Uint8Array): Generator<Run> {
    const { pageSize } = this.#layer.file;
    let run: Run | undefined;
    for (let at = 0; at < bytes.length;) {
      if (this.#missing === 0) this.#nextPage(bytes.subarray(at));
      const length = Math.min(this.#missing, bytes.length - at);
      if (typeof this.#page === 'number') {
        const position = (this.#page + 1) * pageSize - this.#missing;
        if (run && run.position + run.bytes.length === position) {
          const start = run.bytes.byteOffset - bytes.byteOffset;
          run.bytes = bytes.subarray(start, at + length);
        } else {
          if (run) yield run;
          run = { position, bytes: bytes.subarray(at, at + length) };
        }
      } else {
        if (run) yield run;
        run = undefined;
        if (this.#page) this.#compareHeader(this.#page, bytes.subarray(at, at + length));
      }
      this.#missing -= length;
      at += length;
    }
    if (run) yield run;
  }

  /** `start`: the bytes that it begins with. */
  #nextPage(start: Uint8Array): void {
    const next = this.#slots?.next();
    if (next?.done !== false) throw this.#corrupt('it has more pages than the index says');
    const slot = next.value;
    if (slot === 0) this.#files.learn(this.#layer.file, start);
    this.#page = typeof slot === 'number' && this.#superseded.has(slot) ? undefined : slot;
    this.#missing = this.#layer.file.pageSize;
  }

  /** What the index says is where pages go: the delta must say the same. */
  #compareHeader(header: Uint8Array, part: Uint8Array): void {
    const from = header.length - this.#missing;
    if (Buffer.compare(header.subarray(from, from + part.length), part) === 0) return;
    throw this.#corrupt('it has other pages than the index says');
  }

  *#decode(delta: DeltaDecoder, bytes: Uint8Array): Generator<Run> {
    // The decoder keeps what it was given until a page is whole.
    delta.push(bytes.slice());
    for (const run of deltaRuns(delta, (page) => !this.#superseded.has(page))) {
      if (run.position === 0) this.#files.learn(this.#layer.file, run.bytes);
      yield run;
    }
  }

  async #put(run: Run): Promise<void> {
    const { file } = this.#layer;
    const handle = (this.#handle ??= await this.#files.open(file));
    const parts = this.#files.holesOf(file)?.runs(run.position, run.bytes) ?? [run];
    for (const part of parts) await withPath(file.path, () => writeFully(handle, part));
  }

  #corrupt(fault: string): BackupError {
    const { path } = this.#layer.entry;
    return new BackupError('corrupt', `${path}: ${fault}`, { where: { path } });
  }
}
