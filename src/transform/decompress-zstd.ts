import binding from 'zstd-napi/binding.js';
import { FormatError } from '../../formats/format-error.ts';
import type { DecodeStep } from './decode-step.ts';

/** What one call may give; a frame that promises more comes in pieces. */
const pieceBytes = 1024 * 1024;

/**
 * 16 MiB: every open member may keep so much. Backup tools write windows of up to 8 MiB, or frames
 * of up to 10 MiB, which are their own window. The library's own limit is eight times as much.
 */
const windowLogMax = 24;

/** Frames one after the other; the library checks their checksums and bounds their window. */
export class ZstdDecompression implements DecodeStep {
  readonly #context = new binding.DCtx();
  readonly #piece = new Uint8Array(pieceBytes);
  #inFrame = false;
  #offset = 0;

  constructor() {
    this.#context.setParameter(binding.DParameter.windowLogMax, windowLogMax);
  }

  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let full = false;
    for (let at = 0; at < bytes.length || full;) {
      const [wanted, produced, consumed] = this.#step(bytes.subarray(at));
      at += consumed;
      this.#offset += consumed;
      // A full piece may leave more in the decoder, which needs no further input to come out.
      full = produced === pieceBytes && wanted !== 0;
      this.#inFrame = wanted !== 0;
      if (produced > 0) yield this.#piece.subarray(0, produced);
    }
  }

  end(): void {
    if (!this.#inFrame) return;
    throw new FormatError('truncated', 'zstd frame', this.#offset, 'the frame is cut');
  }

  #step(input: Uint8Array): [number, number, number] {
    try {
      return this.#context.decompressStream(this.#piece, input);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new FormatError('invalid', 'zstd frame', this.#offset, message);
    }
  }
}
