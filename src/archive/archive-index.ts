import {
  type BeginRecord,
  type MemberEntry,
  beginBytesMax,
  beginName,
  decodeEnd,
  endBytes,
  endName,
  isIndexName,
} from '../../formats/archive-record/index.ts';
import {
  type ChunkHead,
  ChunkDecoder,
  encodeEnd,
  encodePayloadHeader,
} from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import type { ArchiveObjects } from '../source/archive-objects.ts';
import { CapturedRecords, type Seal } from './captured-records.ts';

/** What an archive consists of, known before it is read. */
export interface ArchiveIndex {
  /** Undefined: the archive is of another tool, and its index lies beside it. */
  begin: BeginRecord | undefined;
  seal: Seal;
  members: readonly MemberEntry[];
  /** Where the members end in the archive. */
  membersEnd: number;
}

const beginChunkBytesMax = encodePayloadHeader(beginName, 0, 0, 0).length + beginBytesMax;
/** The end record with its header and its end chunk. */
const endChunkBytes =
  encodePayloadHeader(endName, 0, 0, 0).length + endBytes + encodeEnd(endName).length;
/** The shortest payload chunk and the shortest end chunk. */
const [chunkBytesMin, memberBytesMin] = [encodePayloadHeader('x', 0, 0, 0), encodeEnd('x')].map(
  ({ length }) => length,
) as [number, number];

/**
 * The index out of an archive of ours: its first and last bytes and the index are read, and proved
 * to go with each other. A wrong key is refused. Undefined where there is no index, or none that
 * can be read without a key; `needKey` refuses an encrypted archive without one.
 */
export async function readArchiveIndex(
  archive: ArchiveObjects,
  unlocking: { key: Uint8Array | undefined; needKey?: boolean },
  signal?: AbortSignal,
): Promise<ArchiveIndex | undefined> {
  const records = new CapturedRecords(unlocking);
  if (!(await readBegin(archive, records, signal))) return undefined;
  const endOffset = archive.size - endChunkBytes;
  const endRecord = await readEnd(archive, endOffset, signal);
  const { indexOffset, members } = decodeEnd(endRecord);
  if (indexOffset >= endOffset) throw corrupt('the index is not where the end record says');
  // No more than what comes before the index can be.
  const seen = {
    members: Math.min(members, Math.floor(indexOffset / memberBytesMin)),
    chunks: Math.floor(indexOffset / chunkBytesMin),
  };
  const chunks = new RecordChunks(indexOffset);
  const ranges = [{ offset: indexOffset, length: endOffset - indexOffset }];
  for await (const { bytes } of archive.ranges(ranges, signal)) {
    for (const { path, data } of chunks.push(bytes)) {
      if (!isIndexName(path)) throw corrupt(`${path} is where the index should be`);
      records.add(path, data, seen);
    }
  }
  chunks.end();
  records.add(endName, endRecord, seen);
  const index = records.readIndex();
  if (index.end.endOffset !== endOffset) throw corrupt(`${endName} is not where it says`);
  if (!index.members) return undefined;
  const { seal } = index;
  return { begin: records.begin, seal, members: index.members, membersEnd: indexOffset };
}

/** Checks the key as well. False: the archive is not one of ours. */
async function readBegin(
  archive: ArchiveObjects,
  records: CapturedRecords,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const head = await archive.read(0, Math.min(archive.size, beginChunkBytesMax), signal);
  for (const { path, data } of new RecordChunks(0).push(head)) {
    if (path !== beginName) return records.hasBegin;
    records.add(path, data, { members: 0, chunks: 0 });
  }
  return records.hasBegin;
}

async function readEnd(
  archive: ArchiveObjects,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const missing = new BackupError('incomplete', 'the archive is not whole: it has no end record');
  if (offset < 0) throw missing;
  const tail = await archive.read(offset, endChunkBytes, signal);
  try {
    const chunks = new RecordChunks(offset);
    const [first, ...more] = chunks.push(tail);
    chunks.end();
    if (first?.path === endName && more.length === 0) return first.data;
  } catch {
    // What is there is something else.
  }
  throw missing;
}

/** Payloads of records, as they come out of the bytes of an archive. */
class RecordChunks {
  readonly #decoder: ChunkDecoder;
  #path = '';
  /** Bytes of this record so far. */
  #position = 0;

  /** `start`: archive offset of the first byte. */
  constructor(start: number) {
    this.#decoder = new ChunkDecoder(start);
  }

  *push(bytes: Uint8Array): Generator<{ path: string; data: Uint8Array }> {
    this.#decoder.push(bytes);
    for (let event = this.#decoder.next(); event; event = this.#decoder.next()) {
      if (event.kind === 'data') {
        this.#position += event.bytes.length;
        yield { path: this.#path, data: event.bytes };
      } else if ('path' in event) {
        this.#start(event);
      }
    }
  }

  end(): void {
    this.#decoder.end();
  }

  /** No writer sets flags, and nothing else covers them. */
  #start({ path, flags, ...head }: ChunkHead & { fileOffset?: number }): void {
    if (path !== this.#path) this.#position = 0;
    this.#path = path;
    const { fileOffset = this.#position, archiveOffset } = head;
    if (flags === 0 && fileOffset === this.#position) return;
    throw corrupt(`${path}: its chunk at byte ${archiveOffset} is not one of ours`);
  }
}

function corrupt(message: string): BackupError {
  return new BackupError('corrupt', message);
}
