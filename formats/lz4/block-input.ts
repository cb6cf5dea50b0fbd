import { uncompressSync } from './codec.ts';
import { dataView } from '../layout.ts';
import type { ByteQueue } from '../byte-queue.ts';
import { expansionMax, sizeFieldBytes } from './limits.ts';

/**
 * The data of one block after the other. It is gathered here, not in the queue, where a
 * block that comes in tiny pieces would cost many times its size.
 */
export class BlockInput {
  /** Kept from block to block: the size field that the codec wants, then the data. */
  #scratch = new Uint8Array(0);
  #data = new Uint8Array(0);
  #filled = 0;
  #stored = false;

  /** Starts a block of `size` bytes, which the caller has held against the limit. */
  begin(size: number, stored: boolean): void {
    this.#filled = 0;
    this.#stored = stored;
    if (stored) {
      this.#data = new Uint8Array(size);
      return;
    }
    const length = sizeFieldBytes + size;
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length);
    this.#data = this.#scratch.subarray(sizeFieldBytes, length);
  }

  /** Takes what there is of the block; true when the block is whole. */
  fill(queue: ByteQueue): boolean {
    while (this.#filled < this.#data.length && queue.available > 0) {
      const piece = queue.takeSome(this.#data.length - this.#filled);
      this.#data.set(piece, this.#filled);
      this.#filled += piece.length;
    }
    return this.#filled === this.#data.length;
  }

  /** The data as it is in the frame. */
  get data(): Uint8Array {
    return this.#data;
  }

  /**
   * The content of the block, in memory of its own; `before` is the content that it may refer to.
   * @throws Error when the data is damaged or gives more than `contentMax` bytes.
   */
  open(contentMax: number, before: Uint8Array): Uint8Array {
    if (this.#stored) return this.#data;
    const input = this.#scratch.subarray(0, sizeFieldBytes + this.#data.length);
    // The codec allocates the size that it is told, and clears it: for a tiny block, tell little.
    const most = Math.min(contentMax, this.#data.length * expansionMax);
    dataView(input).setUint32(0, most, true);
    const content = uncompressSync(input, before.length > 0 ? before : undefined);
    return new Uint8Array(content.buffer, content.byteOffset, content.length);
  }
}
