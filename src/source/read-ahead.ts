import { BackupError } from '../errors.ts';
import { BufferPool } from '../worker/buffer-pool.ts';

/** So much is still in the processor's cache when it is written. */
const stepBytesMax = 256 * 1024;

/** Something to be read in one request. */
export interface Piece {
  /** Bytes, some and no more than `bytesMax` of `readAhead`. */
  length: number;
}

/** Bytes of a piece, which may be used until the next are asked for. */
export interface ReadPiece<P extends Piece> {
  piece: P;
  /** Where they are in the piece. */
  at: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Fills `into` from its front to its end and says after each step how far it has come. */
export type Fill<P extends Piece> = (
  piece: P,
  into: Uint8Array,
  onFilled: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<void>;

/** How pieces are read: `parallel` at a time, into buffers of `bytesMax`. */
export interface ReadAheadOptions<P extends Piece> {
  bytesMax: number;
  parallel: number;
  fill: Fill<P>;
}

/** Pieces in their order, as their bytes come, while those behind them are on their way already. */
export async function* readAhead<P extends Piece>(
  pieces: Iterator<P, undefined>,
  { bytesMax, parallel, fill }: ReadAheadOptions<P>,
  outer?: AbortSignal,
): AsyncGenerator<ReadPiece<P>, undefined> {
  const giveUp = new AbortController();
  const signal = outer ? AbortSignal.any([outer, giveUp.signal]) : giveUp.signal;
  // One is in use by the reader while the others fill up.
  const buffers = new BufferPool(parallel + 1, bytesMax);
  const coming: ComingPiece<P>[] = [];
  /** False when there is nothing more to ask for. */
  const ask = async (): Promise<boolean> => {
    const piece = pieces.next().value;
    if (!piece) return false;
    coming.push(new ComingPiece(piece, await buffers.take(), fill, signal));
    return true;
  };
  try {
    while (coming.length < parallel && (await ask()));
    for (let [next] = coming; next; coming.shift(), [next] = coming) {
      let asked = false;
      for await (const read of next.arriving()) {
        if (next.isFull && !asked) asked = await ask();
        yield read;
      }
      buffers.back(next.buffer);
    }
    return undefined;
  } finally {
    giveUp.abort(new BackupError('failed', 'the rest is not wanted'));
    await Promise.allSettled(coming.map(({ filled }) => filled));
  }
}

/** A piece that fills up. */
class ComingPiece<P extends Piece> {
  /** Settles when it is full, or will never be. */
  readonly filled: Promise<void>;
  readonly #piece: P;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #onMore: () => void = () => undefined;

  constructor(piece: P, room: Uint8Array<ArrayBuffer>, fill: Fill<P>, signal: AbortSignal) {
    this.#piece = piece;
    this.#bytes = room.subarray(0, piece.length);
    this.filled = this.#fill(fill, signal);
    // It is thrown when it is its turn.
    this.filled.catch(() => undefined);
  }

  get isFull(): boolean {
    return this.#length === this.#bytes.length;
  }

  get buffer(): ArrayBuffer {
    return this.#bytes.buffer;
  }

  /** What has come since the last time, until all of it has. */
  async *arriving(): AsyncGenerator<ReadPiece<P>> {
    const piece = this.#piece;
    for (let at = 0; at < piece.length;) {
      if (this.#length === at) await this.#more();
      const end = Math.min(this.#length, at + stepBytesMax);
      yield { piece, at, bytes: this.#bytes.subarray(at, end) };
      at = end;
    }
    await this.filled;
  }

  async #fill(fill: Fill<P>, signal: AbortSignal): Promise<void> {
    const onFilled = (length: number): void => {
      this.#length = length;
      this.#onMore();
    };
    await fill(this.#piece, this.#bytes, onFilled, signal);
    onFilled(this.#piece.length);
  }

  async #more(): Promise<void> {
    const more = new Promise<void>((resolve) => {
      this.#onMore = resolve;
    });
    await Promise.race([more, this.filled]);
  }
}
