import { BackupError } from '../errors.ts';
import { BufferPool } from '../worker/buffer-pool.ts';

/** Something to be read in one request. */
export interface Piece {
  /** Bytes, no more than `bytesMax` of `readAhead`. */
  length: number;
}

/** A piece and its bytes, which may be used until the next piece is asked for. */
export interface ReadPiece<P extends Piece> {
  piece: P;
  bytes: Uint8Array<ArrayBuffer>;
}

/** How pieces are read: `parallel` at a time, into buffers of `bytesMax`. */
export interface ReadAheadOptions<P extends Piece> {
  bytesMax: number;
  parallel: number;
  fill: (piece: P, into: Uint8Array, signal: AbortSignal) => Promise<void>;
}

/** Pieces in their order, while those behind them are on their way already. */
export async function* readAhead<P extends Piece>(
  pieces: Iterator<P, undefined>,
  { bytesMax, parallel, fill }: ReadAheadOptions<P>,
  outer?: AbortSignal,
): AsyncGenerator<ReadPiece<P>, undefined> {
  const giveUp = new AbortController();
  const signal = outer ? AbortSignal.any([outer, giveUp.signal]) : giveUp.signal;
  // One is in use by the reader while the others fill up.
  const buffers = new BufferPool(parallel + 1, bytesMax);
  const coming: Promise<ReadPiece<P>>[] = [];
  /** False when there is nothing more to ask for. */
  const ask = async (): Promise<boolean> => {
    const piece = pieces.next().value;
    if (!piece) return false;
    const bytes = (await buffers.take()).subarray(0, piece.length);
    const filled = fill(piece, bytes, signal).then(() => ({ piece, bytes }));
    // It is thrown when it is its turn.
    filled.catch(() => undefined);
    coming.push(filled);
    return true;
  };
  try {
    while (coming.length < parallel && (await ask()));
    for (let next = coming.shift(); next; next = coming.shift()) {
      const read = await next;
      await ask();
      yield read;
      buffers.back(read.bytes.buffer);
    }
    return undefined;
  } finally {
    giveUp.abort(new BackupError('failed', 'the rest is not wanted'));
    await Promise.allSettled(coming);
  }
}
