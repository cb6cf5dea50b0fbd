import { createHash } from 'node:crypto';
import {
  type BeginRecord,
  type MemberEntry,
  beginName,
  encodeBegin,
  encodeEnd as encodeEndRecord,
  encodeIndex,
  endName,
  indexName,
  isIndexName,
  sealOf,
} from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { encodeEnd, encodePayloadHeader } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
import { type Encoding, plainEncoding } from '../transform/encoding.ts';
import { memberEncoder } from '../transform/member-encoder.ts';
import type { MemberInfo, MemberStore, MemberWriter } from './member-store.ts';
import { WriteQueue } from './write-queue.ts';

/** Largest payload of one chunk; stock extractors hold a chunk in memory. */
export const chunkBytesMax = 10 * 1024 * 1024;

/**
 * The multiplexer: many members at once into one archive, through one writer.
 * It begins with the begin record and `finish` adds the index and the end
 * record; an archive without its end record is not a backup.
 */
export class ArchiveWriter implements MemberStore {
  readonly #sink: ByteSink;
  readonly #queue = new WriteQueue();
  readonly #begin: BeginRecord;
  readonly #encoding: Encoding;
  readonly #headers = createHash('sha256');
  readonly #members: MemberEntry[] = [];
  readonly #paths = new Set<string>([beginName, endName]);
  #open = 0;
  #offset = 0;
  #payloadBytes = 0;

  private constructor(sink: ByteSink, begin: BeginRecord, encoding: Encoding) {
    this.#sink = sink;
    this.#begin = begin;
    this.#encoding = encoding;
  }

  /** Starts an archive with its begin record. Members come encoded; the index is encoded here. */
  static async begin(
    sink: ByteSink,
    record: BeginRecord,
    encoding = plainEncoding,
  ): Promise<ArchiveWriter> {
    const writer = new ArchiveWriter(sink, record, encoding);
    await writer.#record(beginName, [encodeBegin(record)]);
    return writer;
  }

  get bytesWritten(): number {
    return this.#payloadBytes;
  }

  /** Members so far, records included, and the bytes of the files that they are of. */
  get totals(): { members: number; plainBytes: number } {
    const plainBytes = this.#members.reduce(
      (sum, { delta, plainSize, size }) => sum + (delta?.fileSize ?? plainSize ?? size),
      0,
    );
    return { members: this.#members.length, plainBytes };
  }

  open(info: MemberInfo): MemberWriter {
    if (this.#paths.has(info.path) || isIndexName(info.path)) {
      throw new BackupError('failed', `${info.path} would be in the archive twice`);
    }
    this.#paths.add(info.path);
    return this.#start(info);
  }

  async finish(): Promise<void> {
    if (this.#open > 0) throw new BackupError('failed', `${this.#open} members are still open`);
    const { backupId } = this.#begin;
    const counted = { members: this.#members.length, payloadBytes: this.#payloadBytes };
    const index = await this.#writeIndex();
    const chunksSha256 = this.#headers.copy().digest('hex');
    const end = { backupId, ...index, ...counted, endOffset: this.#offset, chunksSha256 };
    const { encryption } = this.#encoding;
    const hmac = encryption && sealOf(encryption.key, end, encodeBegin(this.#begin));
    await this.#record(endName, [encodeEndRecord({ ...end, hmac })]);
    await this.#sink.close();
  }

  async abort(): Promise<void> {
    this.#queue.break(new BackupError('failed', 'the backup was given up'));
    await this.#sink.abort();
  }

  /** Writes the index as it is now; returns what the end record says of it. */
  async #writeIndex(): Promise<{ indexOffset: number; indexLength: number; indexSha256: string }> {
    const encoder = memberEncoder(this.#encoding, { packed: false });
    const hash = createHash('sha256');
    const indexOffset = this.#offset;
    let indexLength = 0;
    const encoded = function* (pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
      for (const piece of pieces) {
        const bytes = encoder?.encode(piece) ?? piece;
        hash.update(bytes);
        indexLength += bytes.length;
        yield bytes;
      }
    };
    const text = joined(encodeIndex(this.#begin.backupId, [...this.#members]), recordChunkBytes);
    await this.#record(indexName + (encoder?.suffix ?? ''), encoded(text));
    return { indexOffset, indexLength, indexSha256: hash.digest('hex') };
  }

  /** Writes a small member of its own, joining pieces into chunks of a useful size. */
  async #record(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const member = this.#start({ path });
    for (const chunk of joined(pieces, recordChunkBytes)) await member.write(chunk, crc32(chunk));
    await member.close();
  }

  #start(info: MemberInfo): MemberWriter {
    const { path, spaceId, pageSize, urgent = false } = info;
    const digests = this.#encoding.digests ? { digests: [] } : {};
    const entry: MemberEntry = { path, spaceId, pageSize, size: 0, chunks: [], ...digests };
    this.#members.push(entry);
    this.#open += 1;
    return {
      write: (payload, crc, sha256) =>
        this.#queue.add(urgent, () => this.#payload(entry, payload, { crc, sha256 })),
      close: async (plainSize, delta) => {
        Object.assign(entry, { plainSize, delta });
        await this.#queue.add(urgent, () => this.#end(entry));
        this.#open -= 1;
      },
    };
  }

  async #payload(
    entry: MemberEntry,
    payload: Uint8Array,
    { crc, sha256 }: { crc: number; sha256: string | undefined },
  ): Promise<void> {
    if (payload.length > chunkBytesMax) {
      throw new BackupError('failed', `${entry.path}: a chunk of ${payload.length} bytes`);
    }
    const header = encodePayloadHeader(entry.path, entry.size, payload.length, crc);
    this.#headers.update(header);
    entry.chunks.push(this.#offset, payload.length, entry.size, crc);
    entry.digests?.push(sha256 ?? createHash('sha256').update(payload).digest('hex'));
    entry.size += payload.length;
    await this.#put([header, payload]);
    this.#payloadBytes += payload.length;
  }

  async #end({ path, chunks }: MemberEntry): Promise<void> {
    const end = encodeEnd(path);
    // All there is of an empty member: nothing else in the clear repeats its name.
    if (chunks.length === 0) this.#headers.update(end);
    await this.#put([end]);
  }

  async #put(buffers: Uint8Array[]): Promise<void> {
    for (const buffer of buffers) this.#offset += buffer.length;
    await this.#sink.write(buffers);
  }
}

const recordChunkBytes = 1024 * 1024;

function* joined(pieces: Iterable<Uint8Array>, size: number): Generator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes >= size) {
      yield* slices(Buffer.concat(waiting));
      waiting = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield* slices(Buffer.concat(waiting));
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytesMax) {
    yield bytes.subarray(at, at + chunkBytesMax);
  }
}
