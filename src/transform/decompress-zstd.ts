import binding from 'zstd-napi/binding.js';
import { FormatError } from '../../formats/format-error.ts';
import type { DecodeStep } from './decode-step.ts';

/** What one call may give, a block of the format; a frame that promises more comes in pieces. */
const pieceBytes = 128 * 1024;

/**
 * 16 MiB: every open member may keep so much. Backup tools write windows of up to 8 MiB, or frames
 * of up to 10 MiB, which are their own window. The library's own limit is eight times as much.
 */
const windowLogMax = 24;

/** A decoder of the library with its window, and room for what it gives. */
interface Context {
  decoder: binding.DCtx;
  piece: Uint8Array;
}

/** Of members that ended: a window would outlive its member until the next great collection. */
const idle: Context[] = [];

/** Frames one after the other; the library checks their checksums and bounds their window. */
export class ZstdDecompression implements DecodeStep {
  #context: Context | undefined;
  #inFrame = false;
  #offset = 0;

  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let full = false;
    for (let at = 0; at < bytes.length || full;) {
      const context = (this.#context ??= idle.pop() ?? newContext());
      const [wanted, produced, consumed] = this.#step(context, bytes.subarray(at));
      at += consumed;
      this.#offset += consumed;
      // A full piece may leave more in the decoder, which needs no further input to come out.
      full = produced === pieceBytes && wanted !== 0;
      this.#inFrame = wanted !== 0;
      if (produced > 0) yield context.piece.subarray(0, produced);
    }
  }

  end(): void {
    if (!this.#inFrame) {
      // Between two frames there is nothing in it.
      if (this.#context) idle.push(this.#context);
      this.#context = undefined;
      return;
    }
    throw new FormatError('truncated', 'zstd frame', this.#offset, 'the frame is cut');
  }

  #step({ decoder, piece }: Context, input: Uint8Array): [number, number, number] {
    try {
      return decoder.decompressStream(piece, input);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new FormatError('invalid', 'zstd frame', this.#offset, message);
    }
  }
}

function newContext(): Context {
  const decoder = new binding.DCtx();
  decoder.setParameter(binding.DParameter.windowLogMax, windowLogMax);
  return { decoder, piece: new Uint8Array(pieceBytes) };
}
