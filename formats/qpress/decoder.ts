import { FormatError } from '../format-error.ts';
import { ByteQueue } from '../byte-queue.ts';
import { StickyFailure } from '../sticky-failure.ts';
import { adler32 } from './adler32.ts';
import {
  archiveHeader,
  archiveMagic,
  beginsTag,
  blockHeader,
  blockTag,
  entryTags,
  fileHeader,
  trailer,
  trailerTag,
} from './container.ts';
import { acceptedChunkBytesDefault, nameBytesMax } from './limits.ts';
import { packetHeaderSize, readPacketHeader } from './packet-header.ts';
import { decompressQuickLz } from './quicklz.ts';

export interface QpressBlock {
  /** Of the first byte of the block in the input. */
  offset: number;
  /** The content, at most `chunkSize` bytes. May share memory with what was pushed. */
  bytes: Uint8Array;
}

export interface QpressDecoderOptions {
  /** Content of one block, in bytes: what the decoder may have to hold, packed and unpacked. */
  chunkMax?: number;
}

/** What comes next in the input. */
type Place = 'archive' | 'file' | 'name' | 'block' | 'packet' | 'trailer' | 'done';

/**
 * Splits and unpacks a `.qp` file, which holds one file. Give it input with `push`, take blocks
 * with `next` until it returns undefined, and call `end` behind the last input. Once `next` has
 * returned undefined, the memory of what was pushed is the caller's again. It holds one block; it
 * fails before it waits for anything over a limit. After a failure it fails the same way again.
 */
export class QpressDecoder {
  readonly #chunkMax: number;
  readonly #queue = new ByteQueue();
  #place: Place = 'archive';
  #chunkSize = 0;
  #nameLength = 0;
  #name: Uint8Array | undefined;
  #blockOffset = 0;
  #checksum = 0;
  /** Of the packet that is waited for; undefined while its header is. */
  #packetSize: number | undefined;
  readonly #failure = new StickyFailure();

  constructor(options: QpressDecoderOptions = {}) {
    this.#chunkMax = options.chunkMax ?? acceptedChunkBytesDefault;
  }

  /** The bytes of the name in the archive, once they were read. Nothing vouches for it as a path. */
  get name(): Uint8Array | undefined {
    return this.#name;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /**
   * The next block, or undefined when more input is needed or the trailer was read.
   * @throws FormatError invalid when the archive is damaged or holds what is not supported.
   */
  next(): QpressBlock | undefined {
    return this.#failure.run(() => {
      for (;;) {
        const place = this.#place;
        const block = place === 'packet' ? this.#readPacket() : this.#readOther(place);
        if (block !== undefined) return block;
        if (this.#place !== place) continue;
        this.#queue.own();
        return undefined;
      }
    });
  }

  /** @throws FormatError truncated when the trailer has not been read to its end. */
  end(): void {
    this.#failure.run(() => {
      if (this.#place === 'done') {
        this.#checkNothingFollows();
        return;
      }
      const length = this.#queue.position + this.#queue.available;
      const message = 'the archive ends before its trailer does';
      throw new FormatError('truncated', this.#fieldAtEnd(), length, message);
    });
  }

  /** Goes on to the next place when all of this one is there. */
  #readOther(place: Exclude<Place, 'packet'>): undefined {
    if (place === 'archive') this.#readArchive();
    else if (place === 'file') this.#readFile();
    else if (place === 'name') this.#readName();
    else if (place === 'block') this.#readBlock();
    else if (place === 'trailer') this.#readTrailer();
    else this.#checkNothingFollows();
  }

  #readArchive(): void {
    if (!beginsTag(this.#peek(archiveMagic.length), archiveMagic)) {
      throw this.#invalid('qpress archive > magic', 0, 'no qpress archive');
    }
    if (this.#queue.available < archiveHeader.size) return;
    const { chunkSize } = archiveHeader.decode(this.#peek(archiveHeader.size));
    if (chunkSize === 0n || chunkSize > BigInt(this.#chunkMax)) {
      const message = `${chunkSize} is not between 1 and the limit ${this.#chunkMax}`;
      throw this.#invalid('qpress archive > chunkSize', archiveHeader.offset.chunkSize, message);
    }
    this.#chunkSize = Number(chunkSize);
    this.#goOn(archiveHeader.size, 'file');
  }

  #readFile(): void {
    const [tag] = this.#peek(1);
    if (tag === undefined) return;
    if (tag !== entryTags.file) {
      const what = tag === entryTags.directory || tag === entryTags.up ? 'folders are' : 'it is';
      const shown = `0x${tag.toString(16).padStart(2, '0')}`;
      throw this.#invalid('qpress file > tag', 0, `${shown}: ${what} not supported`);
    }
    if (this.#queue.available < fileHeader.size) return;
    const { nameLength } = fileHeader.decode(this.#peek(fileHeader.size));
    if (nameLength > nameBytesMax) {
      const message = `${nameLength} bytes are over the limit ${nameBytesMax}`;
      throw this.#invalid('qpress file > nameLength', fileHeader.offset.nameLength, message);
    }
    this.#nameLength = nameLength;
    this.#goOn(fileHeader.size, 'name');
  }

  #readName(): void {
    const length = this.#nameLength;
    if (this.#queue.available < length + 1) return;
    const name = this.#peek(length + 1);
    if (name[length] !== 0) {
      throw this.#invalid('qpress file > name', length, 'no NUL at its end');
    }
    // A copy: what was pushed must not be kept for the sake of a few bytes.
    this.#name = name.slice(0, length);
    this.#goOn(length + 1, 'block');
  }

  #readBlock(): void {
    const tag = this.#peek(blockTag.length);
    if (tag.length > 0 && beginsTag(tag, trailerTag)) {
      this.#place = 'trailer';
      return;
    }
    if (!beginsTag(tag, blockTag)) {
      throw this.#invalid('qpress block > tag', 0, 'neither a block nor the trailer');
    }
    if (this.#queue.available < blockHeader.size) return;
    this.#checksum = blockHeader.decode(this.#peek(blockHeader.size)).checksum;
    this.#blockOffset = this.#queue.position;
    this.#packetSize = undefined;
    this.#goOn(blockHeader.size, 'packet');
  }

  #readPacket(): QpressBlock | undefined {
    this.#packetSize ??= this.#readPacketSize();
    if (this.#packetSize === undefined || this.#queue.available < this.#packetSize) {
      return undefined;
    }
    const offset = this.#queue.position;
    const packet = this.#queue.take(this.#packetSize);
    const actual = adler32(packet);
    if (actual !== this.#checksum) {
      const message = `the packet has ${hex(actual)}, not ${hex(this.#checksum)}`;
      const at = this.#blockOffset + blockHeader.offset.checksum;
      throw new FormatError('invalid', 'qpress block > checksum', at, message);
    }
    const bytes = decompressQuickLz(packet, this.#chunkSize, offset);
    this.#place = 'block';
    return { offset: this.#blockOffset, bytes };
  }

  #readPacketSize(): number | undefined {
    const [flags] = this.#peek(1);
    if (flags === undefined) return undefined;
    const header = this.#peek(packetHeaderSize(flags));
    if (header.length < packetHeaderSize(flags)) return undefined;
    return readPacketHeader(header, this.#chunkSize, this.#queue.position).packetSize;
  }

  #readTrailer(): void {
    if (!beginsTag(this.#peek(trailerTag.length), trailerTag)) {
      throw this.#invalid('qpress trailer > tag', 0, 'damaged');
    }
    if (this.#queue.available >= trailer.size) this.#goOn(trailer.size, 'done');
  }

  #checkNothingFollows(): void {
    const [next] = this.#peek(1);
    if (next === undefined) return;
    const message = next === entryTags.file ? 'a second file is not supported' : 'bytes behind it';
    throw this.#invalid('qpress trailer > end', 0, message);
  }

  /** The next `count` bytes, or as many as are there. */
  #peek(count: number): Uint8Array {
    return this.#queue.peek(Math.min(count, this.#queue.available));
  }

  #goOn(size: number, place: Place): void {
    this.#queue.take(size);
    this.#place = place;
  }

  /** The field in which the input ended. */
  #fieldAtEnd(): string {
    const there = this.#queue.available;
    const fieldOf = ({ name, offset }: { name: string; offset: Record<string, number> }): string =>
      `${name} > ${Object.entries(offset).findLast(([, at]) => at <= there)?.[0] ?? ''}`;
    if (this.#place === 'archive') return fieldOf(archiveHeader);
    if (this.#place === 'file') return fieldOf(fileHeader);
    if (this.#place === 'name') return 'qpress file > name';
    if (this.#place === 'block') return fieldOf(blockHeader);
    if (this.#place === 'trailer') return fieldOf(trailer);
    return `QuickLZ packet > ${this.#packetSize === undefined ? 'header' : 'body'}`;
  }

  /** `at` counts from the next byte of the input. */
  #invalid(field: string, at: number, message: string): FormatError {
    return new FormatError('invalid', field, this.#queue.position + at, message);
  }
}

function hex(checksum: number): string {
  return `0x${checksum.toString(16).padStart(8, '0')}`;
}
