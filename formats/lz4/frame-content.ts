import { FormatError } from '../format-error.ts';
import type { ContentWindow } from './content-window.ts';
import { flagOf } from './frame-header.ts';
import { runningXxh32, type RunningXxh32 } from './xxh32.ts';

/** What the header of a frame says of the content behind it. */
export interface FrameDescription {
  flags: number;
  /** Content of the whole frame, undefined when the header does not tell. */
  contentSize: number | undefined;
  /** Content of one block, and its data. */
  blockBytesMax: number;
}

/** The content of one frame, held against the header and the checksum at the end. */
export class FrameContent {
  readonly blockBytesMax: number;
  /** Behind each block is its checksum. */
  readonly blocksChecked: boolean;
  readonly #size: number | undefined;
  readonly #hash: RunningXxh32 | undefined;
  readonly #window: ContentWindow | undefined;
  #length = 0;

  /** `window` serves frame after frame: a frame of a few bytes must not cost a new one. */
  constructor({ flags, contentSize, blockBytesMax }: FrameDescription, window: ContentWindow) {
    this.blockBytesMax = blockBytesMax;
    this.blocksChecked = flagOf(flags, 'blockChecksum') === 1;
    this.#size = contentSize;
    this.#hash = flagOf(flags, 'contentChecksum') === 1 ? runningXxh32() : undefined;
    this.#window = flagOf(flags, 'independent') === 0 ? window : undefined;
    window.clear();
  }

  /** The frame ends with the checksum of its content. */
  get checked(): boolean {
    return this.#hash !== undefined;
  }

  /** The content that the next block may refer to: none when blocks are independent. */
  before(): Uint8Array {
    return this.#window?.last() ?? new Uint8Array(0);
  }

  /** @throws FormatError invalid when there is more than the header says; `offset` is the block's. */
  add(piece: Uint8Array, offset: number): void {
    this.#length += piece.length;
    if (this.#size !== undefined && this.#length > this.#size) {
      throw this.#wrongSize(offset, `at least ${this.#length}`);
    }
    this.#hash?.update(piece);
    this.#window?.add(piece);
  }

  /** @throws FormatError invalid when there is less than the header says; `offset` is the end mark's. */
  checkLength(offset: number): void {
    if (this.#size !== undefined && this.#length !== this.#size) {
      throw this.#wrongSize(offset, `${this.#length}`);
    }
  }

  /** @throws FormatError invalid when the content has another checksum than the one at `offset`. */
  checkHash(expected: number, offset: number): void {
    const actual = this.#hash?.digest();
    if (actual === expected) return;
    const message = `the content has ${hex(actual ?? 0)}, not ${hex(expected)}`;
    throw new FormatError('invalid', 'lz4 frame > contentChecksum', offset, message);
  }

  #wrongSize(offset: number, length: string): FormatError {
    const message = `the frame holds ${length} bytes, its header says ${this.#size}`;
    return new FormatError('invalid', 'lz4 frame > contentSize', offset, message);
  }
}

export function hex(checksum: number): string {
  return `0x${checksum.toString(16).padStart(8, '0')}`;
}
