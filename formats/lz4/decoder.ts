import { FormatError } from '../format-error.ts';
import { dataView, toSafeNumber } from '../layout.ts';
import { ByteQueue } from '../byte-queue.ts';
import { StickyFailure } from '../sticky-failure.ts';
import { BlockInput } from './block-input.ts';
import { ContentWindow } from './content-window.ts';
import { FrameContent, hex } from './frame-content.ts';
import {
  acceptedBlockBytes,
  flagOf,
  frameHeader,
  frameMagic,
  headerChecksumOf,
  isMagicStart,
  isSkippable,
  legacyMagic,
  shortFrameHeader,
  validateFrameFlags,
  type BrokenFrameRule,
} from './frame-header.ts';
import { sizeFieldBytes, storedBit } from './limits.ts';
import { xxh32 } from './xxh32.ts';

/** What the next byte of the input belongs to. */
type Step =
  | 'magic'
  | 'header'
  | 'skippable size'
  | 'skippable data'
  | 'block size'
  | 'block data'
  | 'block checksum'
  | 'content checksum';

/** The bytes of a header that tell how long it is: magic, flags and block size. */
const fixedBytes = shortFrameHeader.offset.headerChecksum;

/**
 * Splits and decompresses a sequence of frames. Give it input with `push`, take
 * content with `next` until it returns undefined, and call `end` behind the last
 * input. Once `next` has returned undefined, the memory of what was pushed is the
 * caller's again. It holds one block, its content, and 64 KiB of content before it
 * where blocks are linked. Content comes
 * before the checksum of its frame is known: it is good only when `end` was.
 * After a failure it fails the same way again.
 */
export class Lz4Decoder {
  readonly #queue = new ByteQueue();
  readonly #block = new BlockInput();
  readonly #window = new ContentWindow();
  #step: Step = 'magic';
  #content: FrameContent | undefined;
  #skipLeft = 0;
  /** Of the size field of the block at hand. */
  #blockOffset = 0;
  readonly #failure = new StickyFailure();

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /**
   * The content of the next block that has any, in memory of its own, or undefined when more
   * input is needed.
   * @throws FormatError invalid when frame or block is damaged or of a kind that is not read.
   */
  next(): Uint8Array | undefined {
    return this.#failure.run(() => {
      for (;;) {
        const result = this.#advance();
        if (result === 'wait') {
          this.#queue.own();
          return undefined;
        }
        if (result !== 'on' && result.length > 0) return result;
      }
    });
  }

  /**
   * To be called when `next` has returned undefined.
   * @throws FormatError truncated inside a frame, naming the field the input ended in.
   */
  end(): void {
    this.#failure.run(() => {
      const there = this.#queue.available;
      if (this.#step === 'magic') {
        if (there === 0) return;
        if (!isMagicStart(this.#queue.peek(there))) {
          throw this.#invalid('lz4 frame > magic', 'no LZ4 frame begins like that');
        }
      }
      const message = 'the input ends inside a frame';
      throw new FormatError('truncated', this.#field(), this.#queue.position + there, message);
    });
  }

  /** One step: what it gave, `on` for nothing yet, `wait` when there is too little input for it. */
  #advance(): Uint8Array | 'on' | 'wait' {
    switch (this.#step) {
      case 'magic':
        return this.#withField((magic) => this.#startFrame(magic), 'look');
      case 'header':
        return this.#readHeader();
      case 'skippable size':
        return this.#withField((size) => {
          this.#skipLeft = size;
          this.#step = 'skippable data';
        });
      case 'skippable data':
        return this.#skip();
      case 'block size':
        return this.#withField((size) => this.#startBlock(size));
      case 'block data':
        return this.#readBlock();
      case 'block checksum':
        return this.#withField((checksum) => this.#checkBlock(checksum)) === 'wait'
          ? 'wait'
          : this.#openBlock();
      case 'content checksum':
        return this.#withField((checksum) => {
          this.#frame.checkHash(checksum, this.#queue.position - sizeFieldBytes);
          this.#step = 'magic';
        });
    }
  }

  /** Gives the u32 that comes next to `work`, taken out of the queue unless told to `look`. */
  #withField(work: (value: number) => void, how: 'take' | 'look' = 'take'): 'on' | 'wait' {
    if (this.#queue.available < sizeFieldBytes) return 'wait';
    const bytes =
      how === 'take' ? this.#queue.take(sizeFieldBytes) : this.#queue.peek(sizeFieldBytes);
    work(dataView(bytes).getUint32(0, true));
    return 'on';
  }

  /** The magic stays in the queue where a header follows, which is checked as a whole. */
  #startFrame(magic: number): void {
    if (magic === frameMagic) {
      this.#step = 'header';
      return;
    }
    if (isSkippable(magic)) {
      this.#queue.take(sizeFieldBytes);
      this.#step = 'skippable size';
      return;
    }
    if (magic === legacyMagic) {
      throw this.#invalid('lz4 frame > magic', 'a frame of the legacy format, which is not read');
    }
    throw this.#invalid('lz4 frame > magic', `${hex(magic)} is no LZ4 frame`);
  }

  #readHeader(): 'on' | 'wait' {
    if (this.#queue.available < fixedBytes) return 'wait';
    const fixed = this.#queue.peek(fixedBytes);
    const flags = fixed[frameHeader.offset.flags] ?? 0;
    const blockSize = fixed[frameHeader.offset.blockSize] ?? 0;
    const broken = validateFrameFlags(flags, blockSize);
    if (broken !== undefined) throw this.#brokenHeader(broken);

    const sized = flagOf(flags, 'contentSize') === 1;
    const header = sized ? frameHeader : shortFrameHeader;
    if (this.#queue.available < header.size) return 'wait';
    const bytes = this.#queue.peek(header.size);
    const { headerChecksum } = header.decode(bytes);
    const actual = headerChecksumOf(bytes);
    if (actual !== headerChecksum) {
      const message = `the header has ${actual}, not ${headerChecksum}`;
      throw this.#invalid('lz4 frame > headerChecksum', message, header.offset.headerChecksum);
    }
    const contentSize = sized ? this.#contentSize(bytes) : undefined;
    const blockBytesMax = acceptedBlockBytes(flags, blockSize);
    this.#content = new FrameContent({ flags, contentSize, blockBytesMax }, this.#window);
    this.#queue.take(header.size);
    this.#step = 'block size';
    return 'on';
  }

  #contentSize(header: Uint8Array): number {
    const offset = this.#queue.position + frameHeader.offset.contentSize;
    const { contentSize } = frameHeader.decode(header);
    return toSafeNumber(contentSize, 'lz4 frame > contentSize', offset);
  }

  #skip(): 'on' | 'wait' {
    while (this.#skipLeft > 0 && this.#queue.available > 0) {
      this.#skipLeft -= this.#queue.takeSome(this.#skipLeft).length;
    }
    if (this.#skipLeft > 0) return 'wait';
    this.#step = 'magic';
    return 'on';
  }

  #startBlock(sizeField: number): void {
    this.#blockOffset = this.#queue.position - sizeFieldBytes;
    if (sizeField === 0) {
      this.#frame.checkLength(this.#blockOffset);
      this.#step = this.#frame.checked ? 'content checksum' : 'magic';
      return;
    }
    const stored = sizeField >= storedBit;
    const size = stored ? sizeField - storedBit : sizeField;
    const { blockBytesMax } = this.#frame;
    if (size > blockBytesMax) {
      const message = `${size} bytes are over the limit ${blockBytesMax} of the frame`;
      throw new FormatError('invalid', 'lz4 block > size', this.#blockOffset, message);
    }
    this.#block.begin(size, stored);
    this.#step = 'block data';
  }

  #readBlock(): Uint8Array | 'on' | 'wait' {
    if (!this.#block.fill(this.#queue)) return 'wait';
    if (!this.#frame.blocksChecked) return this.#openBlock();
    this.#step = 'block checksum';
    return 'on';
  }

  #checkBlock(expected: number): void {
    const actual = xxh32(this.#block.data);
    if (actual === expected) return;
    const message = `the data has ${hex(actual)}, not ${hex(expected)}`;
    throw this.#invalid('lz4 block > checksum', message, -sizeFieldBytes);
  }

  #openBlock(): Uint8Array {
    const content = this.#decompress();
    this.#frame.add(content, this.#blockOffset);
    this.#step = 'block size';
    return content;
  }

  #decompress(): Uint8Array {
    const { blockBytesMax } = this.#frame;
    try {
      return this.#block.open(blockBytesMax, this.#frame.before());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `does not decompress to at most ${blockBytesMax} bytes: ${why}`;
      throw new FormatError(
        'invalid',
        'lz4 block > data',
        this.#blockOffset + sizeFieldBytes,
        message,
      );
    }
  }

  /** The content of the frame that the input is in. */
  get #frame(): FrameContent {
    if (this.#content === undefined) throw new Error('outside of a frame');
    return this.#content;
  }

  /** The field that the input has reached. */
  #field(): string {
    if (this.#step === 'block size') return 'lz4 block > size';
    if (this.#step === 'block data') return 'lz4 block > data';
    if (this.#step === 'block checksum') return 'lz4 block > checksum';
    if (this.#step === 'content checksum') return 'lz4 frame > contentChecksum';
    if (this.#step === 'skippable size') return 'lz4 skippable frame > size';
    if (this.#step === 'skippable data') return 'lz4 skippable frame > data';
    const there = this.#queue.available;
    const flags =
      there > fixedBytes ? (this.#queue.peek(fixedBytes)[frameHeader.offset.flags] ?? 0) : 0;
    const header = flagOf(flags, 'contentSize') === 1 ? frameHeader : shortFrameHeader;
    const fields = Object.entries(header.offset);
    const [field] = fields.findLast(([, offset]) => offset <= there) ?? ['magic'];
    return `lz4 frame > ${field}`;
  }

  #brokenHeader({ field, message }: BrokenFrameRule): FormatError {
    return this.#invalid(`lz4 frame > ${field}`, message, frameHeader.offset[field]);
  }

  /** `from` counts from the first byte that is still in the queue. */
  #invalid(field: string, message: string, from = 0): FormatError {
    return new FormatError('invalid', field, this.#queue.position + from, message);
  }
}
