const nothing = new Uint8Array(0);

/**
 * Bytes that come in pieces of any size and are taken out in other sizes. Pieces are kept
 * as they came until `own`; only what straddles two of them is copied.
 */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  /** Index of the first piece that still holds bytes, and how many of its bytes are gone. */
  #first = 0;
  #gone = 0;
  /** How many pieces are copies of what was pushed. */
  #owned = 0;
  #available = 0;
  #position: number;

  /** `position`: what the first byte counts as. */
  constructor(position = 0) {
    this.#position = position;
  }

  /** Bytes that can be taken now. */
  get available(): number {
    return this.#available;
  }

  /** Position of the byte that is taken next. */
  get position(): number {
    return this.#position;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#available += bytes.length;
  }

  /** Copies what is left of what was pushed: its memory is the pusher's again. */
  own(): void {
    for (let index = Math.max(this.#first, this.#owned); index < this.#pieces.length; index += 1) {
      const from = index === this.#first ? this.#gone : 0;
      if (from > 0) this.#gone = 0;
      // Not `slice`: that of a Buffer copies nothing.
      this.#pieces[index] = new Uint8Array(this.#pieces[index]?.subarray(from) ?? nothing);
    }
    this.#owned = this.#pieces.length;
  }

  /** Takes at most `countMax` bytes, always as a view; none only when none are there. */
  takeSome(countMax: number): Uint8Array {
    const piece = this.#pieces[this.#first];
    if (piece === undefined) return nothing;
    const count = Math.min(countMax, piece.length - this.#gone);
    const bytes = piece.subarray(this.#gone, this.#gone + count);
    this.#skip(count);
    return bytes;
  }

  /** Takes `count` bytes; the caller has seen that they are available. */
  take(count: number): Uint8Array {
    const bytes = this.peek(count);
    this.#skip(count);
    return bytes;
  }

  /** As `take`, but the bytes stay. */
  peek(count: number): Uint8Array {
    const piece = this.#pieces[this.#first];
    if (piece !== undefined && piece.length - this.#gone >= count) {
      return piece.subarray(this.#gone, this.#gone + count);
    }
    if (count > this.#available) throw new RangeError(`${count} of ${this.#available} bytes`);
    const gathered = new Uint8Array(count);
    let filled = 0;
    for (let index = this.#first; filled < count; index += 1) {
      const from = index === this.#first ? this.#gone : 0;
      const part = this.#pieces[index]?.subarray(from, from + count - filled);
      if (part === undefined) break;
      gathered.set(part, filled);
      filled += part.length;
    }
    return gathered;
  }

  #skip(count: number): void {
    this.#available -= count;
    this.#position += count;
    this.#gone += count;
    for (let piece = this.#pieces[this.#first]; piece; piece = this.#pieces[this.#first]) {
      if (this.#gone < piece.length) break;
      this.#gone -= piece.length;
      // The slot may wait for its neighbours to be removed; its bytes need not.
      this.#pieces[this.#first] = nothing;
      this.#first += 1;
    }
    this.#forget();
  }

  /** Lets go of emptied pieces; not one at a time, which would be quadratic in tiny pieces. */
  #forget(): void {
    if (this.#first === this.#pieces.length) this.#pieces.length = 0;
    else if (this.#first >= 1024) this.#pieces.splice(0, this.#first);
    else return;
    this.#owned = Math.max(0, this.#owned - this.#first);
    this.#first = 0;
  }
}
