import { createDecipheriv } from 'node:crypto';
import { crc32 } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { ByteQueue } from '../byte-queue.ts';
import { StickyFailure } from '../sticky-failure.ts';
import {
  chunkHeader,
  isMagicPrefix,
  magicBytes,
  sha256,
  shortHeader,
  validateHeader,
  versionOf,
  type ChunkHeader,
  type ChunkVersion,
} from './chunk.ts';
import { cipherOf, ivBytes, type XbcryptKey } from './key.ts';
import { acceptedChunkBytesDefault, hashBytes } from './limits.ts';
import { WrongKeyError } from './wrong-key-error.ts';

export interface DecodedChunk {
  version: ChunkVersion;
  /** Of the first byte of the chunk in the input. */
  offset: number;
  /** May share memory with what was pushed. */
  plaintext: Uint8Array;
  /** A hash vouches for key and plaintext; false for versions 1 and 2, which have none. */
  hashed: boolean;
}

export interface XbcryptDecoderOptions {
  key: XbcryptKey;
  /** Plaintext of one chunk, in bytes: what the decoder may have to hold. */
  plainMax?: number;
}

interface Pending {
  version: ChunkVersion;
  header: ChunkHeader;
  /** Size of the header in the input. */
  size: number;
}

/**
 * Splits and decrypts a sequence of chunks of any version. Give it input with
 * `push`, take chunks with `next` until it returns undefined, and call `end`
 * behind the last input. Once `next` has returned undefined, the memory of what
 * was pushed is the caller's again. It holds one chunk; it fails before it waits
 * for a chunk over the limit. After a failure it fails the same way again.
 */
export class XbcryptDecoder {
  readonly #key: XbcryptKey;
  readonly #plainMax: number;
  readonly #queue = new ByteQueue();
  #offset = 0;
  #pending: Pending | undefined;
  #keyProven = false;
  readonly #failure = new StickyFailure();

  /** @throws RangeError when AES has no such key length. */
  constructor(options: XbcryptDecoderOptions) {
    this.#key = options.key;
    this.#plainMax = options.plainMax ?? acceptedChunkBytesDefault;
    if (options.key !== 'none') cipherOf(options.key);
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /**
   * The next chunk, or undefined when more input is needed.
   * @throws FormatError invalid when the chunk is damaged or does not suit the key's algorithm.
   * @throws WrongKeyError when its checksum is right and its hash is not.
   */
  next(): DecodedChunk | undefined {
    return this.#failure.run(() => {
      const chunk = this.#next();
      if (chunk === undefined) this.#queue.own();
      return chunk;
    });
  }

  /** @throws FormatError truncated inside a chunk, naming the field the input ended in. */
  end(): void {
    this.#failure.run(() => {
      const there = this.#queue.available;
      if (there === 0) return;
      const head = this.#peekMagic();
      if (!isMagicPrefix(head)) throw this.#invalid('magic', 'not an xbcrypt chunk');
      throw new FormatError(
        'truncated',
        `xbcrypt chunk > ${this.#fieldAt(there)}`,
        this.#offset + there,
        `the chunk that starts at byte ${this.#offset} is cut`,
      );
    });
  }

  #next(): DecodedChunk | undefined {
    this.#pending ??= this.#readHeader();
    if (this.#pending === undefined) return undefined;
    const { version, header, size } = this.#pending;
    const ivSize = Number(header.ivLength);
    const bodySize = Number(header.encryptedSize);
    if (this.#queue.available < size + ivSize + bodySize) return undefined;

    const chunk = this.#queue.take(size + ivSize + bodySize);
    const body = chunk.subarray(size + ivSize);
    const actual = crc32(body);
    if (actual !== header.checksum) {
      const message = `the ciphertext has ${hex(actual)}, not ${hex(header.checksum)}`;
      throw this.#invalid('checksum', message);
    }
    const plaintext = this.#open(version, chunk.subarray(size, size + ivSize), body);
    const decoded = { version, offset: this.#offset, plaintext, hashed: version === 3 };
    this.#offset += chunk.length;
    this.#pending = undefined;
    return decoded;
  }

  /** The header, or undefined while it is not all there. Checks everything that needs no ciphertext. */
  #readHeader(): Pending | undefined {
    const magic = this.#peekMagic();
    if (!isMagicPrefix(magic)) throw this.#invalid('magic', 'not an xbcrypt chunk');
    if (magic.length < magicBytes) return undefined;
    const version = versionOf(magic);
    if (version === undefined) {
      throw this.#invalid('magic', `unknown version ${JSON.stringify(ascii(magic.subarray(7)))}`);
    }
    const size = version === 1 ? shortHeader.size : chunkHeader.size;
    if (this.#queue.available < size) return undefined;
    const bytes = this.#queue.peek(size);
    const header =
      version === 1 ? { ...shortHeader.decode(bytes), ivLength: 0n } : chunkHeader.decode(bytes);
    const broken = validateHeader(version, header, this.#plainMax);
    if (broken !== undefined) throw this.#invalid(broken.field, broken.message);
    this.#checkAlgorithm(version, header);
    return { version, header, size };
  }

  /** A plain chunk among encrypted ones was put there by somebody else; the reverse is no plaintext. */
  #checkAlgorithm(version: ChunkVersion, { ivLength }: ChunkHeader): void {
    if (version === 1) return;
    if (this.#key === 'none' && ivLength !== 0n) {
      throw this.#invalid('ivLength', 'the chunk is encrypted, algorithm NONE was asked for');
    }
    if (this.#key !== 'none' && ivLength !== BigInt(ivBytes)) {
      throw this.#invalid('ivLength', 'the chunk is not encrypted, a key was given');
    }
  }

  #open(version: ChunkVersion, iv: Uint8Array, body: Uint8Array): Uint8Array {
    const hashed = version === 1 ? undefined : this.#openHashed(iv, body);
    if (version !== 3) {
      // One flipped bit in the magic makes version 2 of 3, and nothing else would notice.
      if (hashed !== undefined)
        throw this.#invalid('magic', 'version 2, but the hash of version 3');
      // Versions 1 and 2 count from zero, whatever IV is stored.
      return this.#decrypt(new Uint8Array(ivBytes), body);
    }
    if (hashed === undefined) {
      if (this.#key !== 'none' && !this.#keyProven) throw new WrongKeyError(this.#offset);
      throw this.#invalid('hash', 'the hash of the plaintext does not match');
    }
    this.#keyProven = true;
    return hashed;
  }

  /** The plaintext by the rules of version 3, or undefined when its hash does not match. */
  #openHashed(iv: Uint8Array, body: Uint8Array): Uint8Array | undefined {
    if (body.length <= hashBytes) return undefined;
    const text = this.#decrypt(iv, body);
    const plaintext = text.subarray(0, text.length - hashBytes);
    const matches = Buffer.compare(sha256(plaintext), text.subarray(plaintext.length)) === 0;
    return matches ? plaintext : undefined;
  }

  #decrypt(iv: Uint8Array, body: Uint8Array): Uint8Array {
    if (this.#key === 'none') return body;
    return createDecipheriv(cipherOf(this.#key), this.#key, iv).update(body);
  }

  /** As much of the magic as is there. */
  #peekMagic(): Uint8Array {
    return this.#queue.peek(Math.min(magicBytes, this.#queue.available));
  }

  #fieldAt(there: number): string {
    if (this.#pending === undefined) {
      const version = versionOf(this.#peekMagic());
      const fields = Object.entries(version === 1 ? shortHeader.offset : chunkHeader.offset);
      return fields.findLast(([, offset]) => offset <= there)?.[0] ?? 'magic';
    }
    const { size, header } = this.#pending;
    return there < size + Number(header.ivLength) ? 'iv' : 'ciphertext';
  }

  #invalid(field: string, message: string): FormatError {
    return new FormatError('invalid', `xbcrypt chunk > ${field}`, this.#offset, message);
  }
}

function hex(checksum: number): string {
  return `0x${checksum.toString(16).padStart(8, '0')}`;
}

function ascii(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
