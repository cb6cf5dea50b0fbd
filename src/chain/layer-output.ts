import { BackupError } from '../errors.ts';
import type { MemberOutput } from '../restore/member-output.ts';
import { plainPath } from '../transform/member-decoder.ts';
import type { ChainFiles } from './chain-files.ts';
import { type LayerChunks, supersededPages } from './layer-chunks.ts';
import { LayerWriter } from './layer-writer.ts';
import type { Layer } from './plan-chain.ts';

/** A layer, and the chunks of it that are read. */
export interface ReadLayer {
  layer: Layer;
  chunks: LayerChunks;
}

/** Takes the members of one link: pages go over the files of the chain, the rest to `others`. */
export class LayerOutput implements MemberOutput {
  readonly #files: ChainFiles;
  readonly #others: MemberOutput;
  readonly #layers = new Map<string, ReadLayer>();
  readonly #open = new Map<string, LayerWriter>();

  constructor(layers: Iterable<ReadLayer>, files: ChainFiles, others: MemberOutput) {
    for (const one of layers) this.#layers.set(plainPath(one.layer.entry.path), one);
    this.#files = files;
    this.#others = others;
  }

  async write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    const writer = this.#writer(path);
    await (writer ? writer.write(bytes) : this.#others.write(path, position, bytes));
  }

  async close(path: string, size: number): Promise<void> {
    const writer = this.#writer(path);
    this.#open.delete(path);
    await (writer ? writer.close() : this.#others.close(path, size));
  }

  rename(path: string): Promise<void> {
    throw new BackupError('corrupt', `${path} of a chain is renamed`, { where: { path } });
  }

  remove(path: string): Promise<void> {
    throw new BackupError('corrupt', `${path} of a chain is removed`, { where: { path } });
  }

  async settle(): Promise<void> {
    await this.#others.settle();
  }

  async abandon(): Promise<void> {
    for (const writer of this.#open.values()) await writer.abandon().catch(() => undefined);
    this.#open.clear();
    await this.#others.abandon();
  }

  #writer(path: string): LayerWriter | undefined {
    const open = this.#open.get(path);
    const one = this.#layers.get(path);
    if (open || !one) return open;
    const { layer, chunks } = one;
    // The set of a file's pages is there only while its member is open.
    const writer = new LayerWriter(layer, chunks, supersededPages(layer), this.#files);
    this.#open.set(path, writer);
    return writer;
  }
}
