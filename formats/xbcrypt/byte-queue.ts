/** Bytes that came in pieces and are taken in other pieces, from the front. */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** The first `count` bytes (at most what is there), left in the queue; a copy only where pieces meet. */
  peek(count: number): Uint8Array {
    const wanted = Math.min(count, this.#length);
    const [first] = this.#pieces;
    if (first === undefined || first.length >= wanted) {
      return first?.subarray(0, wanted) ?? new Uint8Array(0);
    }
    const bytes = new Uint8Array(wanted);
    let filled = 0;
    for (const piece of this.#pieces) {
      const part = piece.subarray(0, wanted - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (filled === wanted) break;
    }
    return bytes;
  }

  /** The first `count` bytes, which must be there, taken out of the queue. */
  take(count: number): Uint8Array {
    const bytes = this.peek(count);
    let left = count;
    let whole = 0;
    while (left > 0) {
      const piece = this.#pieces[whole];
      if (piece === undefined) break;
      if (piece.length > left) {
        this.#pieces[whole] = piece.subarray(left);
        break;
      }
      left -= piece.length;
      whole += 1;
    }
    this.#pieces.splice(0, whole);
    this.#length -= count;
    return bytes;
  }
}
