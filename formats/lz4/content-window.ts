import { windowBytes } from './limits.ts';

/** The last 64 KiB of what was added since it was cleared. */
export class ContentWindow {
  // Twice the size, so that bytes are moved once in 64 KiB and not with every small piece.
  #bytes: Uint8Array | undefined;
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  add(piece: Uint8Array): void {
    this.#bytes ??= new Uint8Array(2 * windowBytes);
    const news = piece.subarray(-windowBytes);
    if (this.#length + news.length > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#length - windowBytes, this.#length);
      this.#length = windowBytes;
    }
    this.#bytes.set(news, this.#length);
    this.#length += news.length;
  }

  /** A view, good until the next `add`. */
  last(): Uint8Array {
    const from = Math.max(0, this.#length - windowBytes);
    return this.#bytes?.subarray(from, this.#length) ?? new Uint8Array(0);
  }
}
