/**
 * Takes an xbstream archive apart as its bytes arrive, without gathering payloads.
 *
 * It does not judge whether a path is safe, whether the chunks of a file are in order,
 * or whether every file has its end: the reader of the events knows the files, this
 * knows the chunks. The format is described in xbstream.md.
 */
import { crc32 } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { toSafeNumber } from '../layout.ts';
import { ByteQueue } from '../byte-queue.ts';
import type { ChunkEvent, ChunkHead, PayloadHead, SparseRun } from './chunk-event.ts';
import {
  chunkPrefix,
  chunkTypes,
  ignorableFlag,
  magic,
  mapEntriesMax,
  payloadBody,
  renameBody,
  seekBody,
  sparseBody,
  sparseMapEntry,
} from './chunk.ts';
import { checkPathLength, decodePath } from './path.ts';

/** A part of the decoder: yields events, or undefined when it needs more bytes. */
type Steps<T> = Generator<ChunkEvent | undefined, T, void>;

/** The part of a Layout the decoder needs. */
interface Fields<V> {
  readonly size: number;
  decode(bytes: Uint8Array): V;
  rows(): { offset: number; field: string }[];
}

/** What is being read: where it starts in the archive, and its fields (or its one name). */
interface Place {
  readonly start: number;
  readonly fields: string | Pick<Fields<unknown>, 'rows'>;
}

const knownTypes: ReadonlySet<number> = new Set(Object.values(chunkTypes));

/**
 * Events of an archive that is pushed piece by piece.
 *
 * After every `push`, call `next` until it returns undefined; after the last byte, call
 * `end`. The bytes pushed are handed out again as views; once `next` has returned undefined,
 * their memory is the caller's again. Memory stays flat: the decoder holds what was pushed
 * and not yet asked for, one path, and one sparse map.
 *
 * Errors are FormatErrors with the archive offset of the field; after one, every call
 * throws that error again.
 */
export class ChunkDecoder {
  readonly #queue: ByteQueue;
  readonly #steps: Steps<never> = this.#archive();
  /** Chunks begun so far, the current one included; the first is chunk 1. */
  #chunks = 0;
  #path: string | undefined;
  #place: Place;
  #drained = true;
  #ended = false;
  #failure: unknown;

  /** `start`: where in the archive the first byte is, which is where a chunk starts. */
  constructor(start = 0) {
    this.#queue = new ByteQueue(start);
    this.#place = { start, fields: chunkPrefix };
  }

  /** Hands over the next bytes of the archive, any number of them. */
  push(bytes: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
    if (this.#ended) throw new Error('push after the end of the archive');
    this.#queue.push(bytes);
    this.#drained = false;
  }

  /** The next event, or undefined when it takes more bytes to tell. */
  next(): ChunkEvent | undefined {
    if (this.#failure !== undefined) throw this.#failure as Error;
    try {
      const { value } = this.#steps.next();
      this.#drained = value === undefined;
      if (this.#drained) this.#queue.own();
      return value;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /**
   * Says that no more bytes come. FormatError `truncated` unless the archive stops exactly
   * between two chunks; `invalid` when what is left cannot be the start of a chunk.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
    if (!this.#drained) throw new Error('end before next returned undefined');
    this.#ended = true;
    if (this.#place.fields === chunkPrefix && this.#queue.available === 0) return;
    this.#failure = this.#truncation();
    throw this.#failure as Error;
  }

  #truncation(): FormatError {
    const { start, fields } = this.#place;
    const stop = this.#queue.position + this.#queue.available;
    if (fields === chunkPrefix && !this.#startsWithMagic()) {
      return this.#invalid('magic', start, `${stop - start} bytes of something else at the end`);
    }
    const rows = typeof fields === 'string' ? [{ offset: 0, field: fields }] : fields.rows();
    const row = rows.findLast(({ offset }) => start + offset <= stop);
    const field = (row?.field ?? '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    const at = start + (row?.offset ?? 0);
    const message = `the archive stops at byte ${stop}, inside this field`;
    return new FormatError('truncated', this.#name(field), at, message);
  }

  *#archive(): Steps<never> {
    for (;;) {
      this.#path = undefined;
      this.#chunks += 1;
      yield* this.#chunk();
    }
  }

  *#chunk(): Steps<void> {
    const archiveOffset = this.#queue.position;
    this.#at(chunkPrefix);
    yield* this.#want(magic.length);
    if (!this.#startsWithMagic()) {
      throw this.#invalid('magic', archiveOffset, 'no chunk starts here');
    }
    const { flags, type, pathLength } = yield* this.#read(chunkPrefix);
    const isKnown = knownTypes.has(type);
    if (!isKnown && (flags & ignorableFlag) === 0) {
      const at = archiveOffset + chunkPrefix.offset.type;
      throw this.#invalid('type', at, `0x${type.toString(16).padStart(2, '0')} is unknown`);
    }
    const lengthAt = archiveOffset + chunkPrefix.offset.pathLength;
    const path = yield* this.#readPath('path', pathLength, lengthAt);
    this.#path = path;
    const headerLength = this.#queue.position - archiveOffset;
    const head: ChunkHead = { path, flags, archiveOffset, headerLength };

    if (type === chunkTypes.payload) yield* this.#payload(head);
    else if (type === chunkTypes.end) yield { kind: 'end', ...head };
    else if (type === chunkTypes.sparseOrSeek) yield* this.#sparseOrSeek(head);
    else if (type === chunkTypes.rename) yield* this.#rename(head);
    else if (type === chunkTypes.remove) yield { kind: 'remove', ...head };
    else yield* this.#ignored(head, type);
  }

  *#payload(chunk: ChunkHead): Steps<void> {
    const { head, crcAt } = yield* this.#readPayloadBody(chunk);
    yield { kind: 'payload', ...head };
    yield* this.#data(head, 0, crcAt);
    yield { kind: 'checked' };
  }

  /** Surfaced only when its CRC is right: its fields mean nothing to us beyond their length. */
  *#ignored(chunk: ChunkHead, type: number): Steps<void> {
    const { head, crcAt } = yield* this.#readPayloadBody(chunk);
    for (const event of this.#data(head, 0, crcAt)) if (event === undefined) yield undefined;
    yield { kind: 'ignored', type, ...head };
  }

  *#readPayloadBody(chunk: ChunkHead): Steps<{ head: PayloadHead; crcAt: number }> {
    const start = this.#queue.position;
    const body = yield* this.#read(payloadBody);
    const offsets = payloadBody.offset;
    const lengthAt = start + offsets.payloadLength;
    const length = toSafeNumber(body.payloadLength, this.#name('payload length'), lengthAt);
    const fileOffset = this.#fileOffset(body.fileOffset, length, start + offsets.fileOffset);
    const headerLength = chunk.headerLength + payloadBody.size;
    const head = { ...chunk, headerLength, fileOffset, length, crc: body.crc };
    return { head, crcAt: start + offsets.crc };
  }

  /**
   * XtraBackup and MariaDB gave `S` different bodies. A seek is 8 bytes and then the next
   * chunk, so its bytes 8 to 15 are the magic. In a sparse body these bytes are the upper
   * half of the payload length and the lower half of the file offset: a magic there would
   * be a payload of 6 * 10^18 bytes. So no archive we could read means both.
   */
  *#sparseOrSeek(chunk: ChunkHead): Steps<void> {
    this.#at('seek or sparse body');
    yield* this.#want(seekBody.size + magic.length);
    const next = this.#queue.peek(seekBody.size + magic.length).subarray(seekBody.size);
    if (!isPrefixOfMagic(next)) {
      yield* this.#sparse(chunk);
      return;
    }
    const start = this.#queue.position;
    const body = yield* this.#read(seekBody);
    const fileOffset = this.#fileOffset(body.fileOffset, 0, start);
    const headerLength = chunk.headerLength + seekBody.size;
    yield { kind: 'seek', ...chunk, headerLength, fileOffset };
  }

  *#sparse(chunk: ChunkHead): Steps<void> {
    const start = this.#queue.position;
    const body = yield* this.#read(sparseBody);
    const offsets = sparseBody.offset;
    if (body.mapEntries > mapEntriesMax) {
      const message = `${body.mapEntries} are over the limit ${mapEntriesMax}`;
      throw this.#invalid('map entries', start + offsets.mapEntries, message);
    }
    const lengthAt = start + offsets.payloadLength;
    const length = toSafeNumber(body.payloadLength, this.#name('payload length'), lengthAt);
    const { map, crc } = yield* this.#readMap(body.mapEntries);
    const written = map.reduce((sum, run) => sum + run.length, 0);
    if (written !== length) {
      const message = `${length} is not the ${written} bytes of its map`;
      throw this.#invalid('payload length', lengthAt, message);
    }
    const span = map.reduce((sum, run) => sum + run.skip, written);
    const fileOffset = this.#fileOffset(body.fileOffset, span, start + offsets.fileOffset);
    const headerLength = chunk.headerLength + sparseBody.size + map.length * sparseMapEntry.size;
    const head: PayloadHead = { ...chunk, headerLength, fileOffset, length, crc: body.crc };
    yield { kind: 'sparse', ...head, map };
    yield* this.#data(head, crc, start + offsets.crc);
    yield { kind: 'checked' };
  }

  /** Grows the map with the bytes that came, so that a forged count costs its sender, not us. */
  *#readMap(entries: number): Steps<{ map: SparseRun[]; crc: number }> {
    const map: SparseRun[] = [];
    let crc = 0;
    this.#at('map');
    while (map.length < entries) {
      yield* this.#want(sparseMapEntry.size);
      const there = Math.floor(this.#queue.available / sparseMapEntry.size);
      const count = Math.min(entries - map.length, there);
      const bytes = this.#queue.take(count * sparseMapEntry.size);
      crc = crc32(bytes, crc);
      for (let at = 0; at < bytes.length; at += sparseMapEntry.size) {
        map.push(sparseMapEntry.decode(bytes, at));
      }
    }
    return { map, crc };
  }

  *#rename(chunk: ChunkHead): Steps<void> {
    const start = this.#queue.position;
    const { newPathLength } = yield* this.#read(renameBody);
    const newPath = yield* this.#readPath('new path', newPathLength, start);
    const headerLength = chunk.headerLength + renameBody.size + newPathLength;
    yield { kind: 'rename', ...chunk, headerLength, newPath };
  }

  /** Hands out the payload as it comes, and refuses it at the end when its CRC is wrong. */
  *#data({ length, crc: stored }: PayloadHead, crcSoFar: number, crcAt: number): Steps<void> {
    let remaining = length;
    let crc = crcSoFar;
    this.#at('payload');
    while (remaining > 0) {
      yield* this.#want(1);
      const bytes = this.#queue.takeSome(remaining);
      remaining -= bytes.length;
      crc = crc32(bytes, crc);
      yield { kind: 'data', bytes };
    }
    if (crc !== stored) {
      const message = `stored 0x${hex32(stored)}, computed 0x${hex32(crc)}`;
      throw this.#invalid('crc', crcAt, message);
    }
  }

  *#readPath(field: string, length: number, lengthAt: number): Steps<string> {
    checkPathLength(length, this.#name(`${field} length`), lengthAt);
    this.#at(field);
    yield* this.#want(length);
    const start = this.#queue.position;
    return decodePath(this.#queue.take(length), this.#name(field), start);
  }

  *#read<V>(fields: Fields<V>): Steps<V> {
    this.#at(fields);
    yield* this.#want(fields.size);
    return fields.decode(this.#queue.take(fields.size));
  }

  *#want(count: number): Steps<void> {
    while (this.#queue.available < count) yield undefined;
  }

  /** The file offset as a number, with all that the chunk covers behind it. */
  #fileOffset(value: bigint, span: number, at: number): number {
    toSafeNumber(value + BigInt(span), this.#name('file offset'), at);
    return Number(value);
  }

  #startsWithMagic(): boolean {
    const count = Math.min(magic.length, this.#queue.available);
    return isPrefixOfMagic(this.#queue.peek(count));
  }

  #at(fields: Place['fields']): void {
    this.#place = { start: this.#queue.position, fields };
  }

  #name(field: string): string {
    const path = this.#path === undefined ? '' : ` ${JSON.stringify(this.#path)}`;
    return `xbstream chunk ${this.#chunks}${path} > ${field}`;
  }

  #invalid(field: string, offset: number, message: string): FormatError {
    return new FormatError('invalid', this.#name(field), offset, message);
  }
}

function isPrefixOfMagic(bytes: Uint8Array): boolean {
  return bytes.every((byte, index) => byte === magic[index]);
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
