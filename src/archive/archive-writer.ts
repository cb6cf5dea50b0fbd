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
} from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { encodeEnd, encodePayloadHeader } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
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
  readonly #backupId: string;
  readonly #members: MemberEntry[] = [];
  readonly #paths = new Set<string>([beginName, indexName, endName]);
  #open = 0;
  #offset = 0;
  #payloadBytes = 0;

  private constructor(sink: ByteSink, backupId: string) {
    this.#sink = sink;
    this.#backupId = backupId;
  }

  /** Starts an archive with its begin record. */
  static async begin(sink: ByteSink, record: BeginRecord): Promise<ArchiveWriter> {
    const writer = new ArchiveWriter(sink, record.backupId);
    await writer.#record(beginName, [encodeBegin(record)]);
    return writer;
  }

  get bytesWritten(): number {
    return this.#payloadBytes;
  }

  open(info: MemberInfo): MemberWriter {
    if (this.#paths.has(info.path)) {
      throw new BackupError('failed', `${info.path} would be in the archive twice`);
    }
    this.#paths.add(info.path);
    return this.#start(info);
  }

  async finish(): Promise<void> {
    if (this.#open > 0) throw new BackupError('failed', `${this.#open} members are still open`);
    const counted = { members: this.#members.length, payloadBytes: this.#payloadBytes };
    const indexOffset = this.#offset;
    const hash = createHash('sha256');
    let indexLength = 0;
    const pieces = function* (pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
      for (const piece of pieces) {
        hash.update(piece);
        indexLength += piece.length;
        yield piece;
      }
    };
    await this.#record(indexName, pieces(encodeIndex(this.#backupId, [...this.#members])));
    const record = {
      backupId: this.#backupId,
      indexOffset,
      indexLength,
      indexSha256: hash.digest('hex'),
      ...counted,
      endOffset: this.#offset,
    };
    await this.#record(endName, [encodeEndRecord(record)]);
    await this.#sink.close();
  }

  async abort(): Promise<void> {
    this.#queue.break(new BackupError('failed', 'the backup was given up'));
    await this.#sink.abort();
  }

  /** Writes a small member of its own, joining pieces into chunks of a useful size. */
  async #record(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const member = this.#start({ path });
    for (const chunk of joined(pieces, recordChunkBytes)) await member.write(chunk, crc32(chunk));
    await member.close();
  }

  #start(info: MemberInfo): MemberWriter {
    const { path, spaceId, pageSize, urgent = false } = info;
    const entry: MemberEntry = { path, spaceId, pageSize, size: 0, chunks: [] };
    this.#members.push(entry);
    this.#open += 1;
    return {
      write: (payload, crc) => this.#queue.add(urgent, () => this.#payload(entry, payload, crc)),
      close: async () => {
        await this.#queue.add(urgent, () => this.#put([encodeEnd(path)]));
        this.#open -= 1;
      },
    };
  }

  async #payload(entry: MemberEntry, payload: Uint8Array, crc: number): Promise<void> {
    if (payload.length > chunkBytesMax) {
      throw new BackupError('failed', `${entry.path}: a chunk of ${payload.length} bytes`);
    }
    const header = encodePayloadHeader(entry.path, entry.size, payload.length, crc);
    entry.chunks.push(this.#offset, payload.length, entry.size, crc);
    entry.size += payload.length;
    await this.#put([header, payload]);
    this.#payloadBytes += payload.length;
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
