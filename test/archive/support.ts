/** Archives for tests: built chunk by chunk, taken apart, fed and judged. */
import assert from 'node:assert/strict';
import type { EndPosition } from '../../src/archive/member-store.ts';
import { createHash } from 'node:crypto';
import {
  type BeginRecord,
  type EndRecord,
  type MemberEntry,
  beginName,
  encodeBegin,
  encodeEnd as encodeEndRecord,
  encodeIndex,
  endName,
  indexName,
} from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { type ChunkHead, ChunkDecoder } from '../../formats/xbstream/index.ts';
import {
  ArchiveChecker,
  type ArchiveSummary,
  type CheckerOptions,
} from '../../src/archive/archive-checker.ts';
import { ArchiveWriter } from '../../src/archive/archive-writer.ts';
import { BackupError } from '../../src/errors.ts';
import type { ByteSink } from '../../src/sink/byte-sink.ts';
import type { ByteSource } from '../../src/source/byte-source.ts';
import { plainEncoding } from '../../src/transform/encoding.ts';
import { endChunk, join, payloadChunk, text } from '../formats/xbstream/support.ts';

/** Where a sample backup ends. */
export const samplePosition: EndPosition = {
  toLsn: 46_100,
  lastLsn: 46_200,
  binlog: { file: 'd1-bin.000005', position: 615, gtid: '0-1-6245' },
};

export const sampleBegin: BeginRecord = {
  backupId: '6f1c4d5e-2f0b-4a8e-9a53-0d6a4c1f7b21',
  tool: 'xbpipe 0.1.0',
  flavour: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  pageSize: 16384,
  redoStart: 46_000,
  startedAt: '2026-11-21T02:43:08.000Z',
  digests: false,
};

/** A member and the payloads of its chunks, none for an empty one. */
export type Sample = readonly [path: string, ...payloads: (string | Uint8Array)[]];

/** Members of every shape: two chunks, one, none, nested, with a long name. */
export const samples: readonly Sample[] = [
  ['ibdata1', 'first half,', 'second half'],
  ['db/t.ibd', 'rows'],
  ['db/empty.MYD'],
  [`db/${'long'.repeat(8)}.frm`, 'x'],
  ['xtrabackup_checkpoints', 'backup_type = full-backuped\n'],
];

/** What an assembled archive lies about, or how it differs from a plain one. */
export interface Forgery {
  begin?: Uint8Array;
  /** The index has the SHA-256 of every chunk. */
  digests?: boolean;
  /** What the index is encoded to, and the suffix it gets. */
  encodeIndex?: { suffix: string; encode: (index: Uint8Array) => Uint8Array };
  /** The members that the index lists, or the index itself. */
  index?: (members: MemberEntry[]) => MemberEntry[] | Uint8Array;
  end?: (record: EndRecord) => EndRecord | Uint8Array;
}

/** An archive of xbpipe as the specification says, without the writer under test. */
export function assemble(members: readonly Sample[], forgery: Forgery = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const entries: MemberEntry[] = [];
  let offset = 0;
  const headers = createHash('sha256');
  const add = (path: string, payloads: readonly Uint8Array[]): void => {
    const digests = forgery.digests === true ? { digests: [] as string[] } : {};
    const entry: MemberEntry = { path, size: 0, chunks: [], ...digests };
    const chunks = payloads.map((payload) => {
      entry.chunks.push(offset, payload.length, entry.size, crc32(payload));
      entry.digests?.push(sha256Of(payload));
      const chunk = payloadChunk(path, entry.size, payload);
      headers.update(chunk.subarray(0, chunk.length - payload.length));
      entry.size += payload.length;
      offset += chunk.length;
      return chunk;
    });
    if (payloads.length === 0) headers.update(endChunk(path));
    offset += endChunk(path).length;
    entries.push(entry);
    parts.push(...chunks, endChunk(path));
  };
  add(beginName, [forgery.begin ?? encodeBegin(sampleBegin)]);
  for (const [path, ...payloads] of members) {
    add(
      path,
      payloads.map((payload) => (typeof payload === 'string' ? text(payload) : payload)),
    );
  }
  const indexOffset = offset;
  const totals = {
    members: entries.length,
    payloadBytes: entries.reduce((sum, { size }) => sum + size, 0),
  };
  const listed = forgery.index?.(structuredClone(entries)) ?? entries;
  const { suffix = '', encode = (plain: Uint8Array) => plain } = forgery.encodeIndex ?? {};
  const index = encode(
    listed instanceof Uint8Array ? listed : join(...encodeIndex(sampleBegin.backupId, listed)),
  );
  add(indexName + suffix, [index]);
  const { backupId } = sampleBegin;
  const chunksSha256 = headers.copy().digest('hex');
  const digests = { ...digestOf(index), chunksSha256 };
  const record = { backupId, indexOffset, ...digests, ...totals, endOffset: offset };
  const end = forgery.end?.(record) ?? record;
  add(endName, [end instanceof Uint8Array ? end : encodeEndRecord(end)]);
  return join(...parts);
}

export function digestOf(index: Uint8Array): { indexLength: number; indexSha256: string } {
  return {
    indexLength: index.length,
    indexSha256: sha256Of(index),
  };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The same members through the writer under test. */
export async function writeArchive(
  members: readonly Sample[],
  encoding = plainEncoding,
): Promise<Uint8Array> {
  const sink = new MemorySink();
  const begin = { ...sampleBegin, digests: encoding.digests };
  const writer = await ArchiveWriter.begin(sink, begin, encoding);
  for (const [path, ...payloads] of members) {
    const member = writer.open({ path });
    for (const given of payloads) {
      const payload = typeof given === 'string' ? text(given) : given;
      await member.write(payload, crc32(payload));
    }
    await member.close();
  }
  await writer.finish();
  return sink.bytes;
}

/** An archive as stock tools write one: no records, the closing files of a backup last. */
export function stockArchive(...chunks: readonly Uint8Array[]): Uint8Array {
  return join(...chunks, ...stockMember('xtrabackup_checkpoints', 'c'), ...stockInfo);
}

export function stockMember(path: string, ...payloads: string[]): Uint8Array[] {
  let offset = 0;
  const chunks = payloads.map((payload) => {
    const chunk = payloadChunk(path, offset, text(payload));
    offset += text(payload).length;
    return chunk;
  });
  return [...chunks, endChunk(path)];
}

const stockInfo = stockMember('xtrabackup_info', 'i');

export interface Chunk {
  kind: string;
  path: string;
  /** Where it starts in the archive, and where the next one does. */
  from: number;
  to: number;
  bytes: Uint8Array;
}

/** The chunks of a sound archive. */
export function chunksOf(archive: Uint8Array): Chunk[] {
  const decoder = new ChunkDecoder();
  decoder.push(archive);
  const heads: (ChunkHead & { kind: string })[] = [];
  for (let event = decoder.next(); event; event = decoder.next()) {
    if ('archiveOffset' in event) heads.push(event);
  }
  decoder.end();
  return heads.map(({ kind, path, archiveOffset: from }, i) => {
    const to = heads[i + 1]?.archiveOffset ?? archive.length;
    return { kind, path, from, to, bytes: archive.subarray(from, to) };
  });
}

/** The chunks in another order, some left out or twice: `pick` gets and gives positions. */
export function rearranged(
  archive: Uint8Array,
  pick: (positions: number[]) => number[],
): Uint8Array {
  const chunks = chunksOf(archive);
  const positions = pick(chunks.map((_, i) => i));
  return join(...positions.map((i) => chunks[i]?.bytes ?? assert.fail(`no chunk ${i}`)));
}

export function flipped(archive: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = archive.slice();
  copy[at] = (copy[at] ?? 0) ^ (1 << bit);
  return copy;
}

export function sourceOf(archive: Uint8Array, pieceBytes = archive.length): ByteSource {
  return { name: 'test', bytes: pieces(archive, pieceBytes) };
}

async function* pieces(archive: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += pieceBytes) {
    yield await Promise.resolve(archive.subarray(at, at + pieceBytes));
  }
}

/** What the checker says of an archive fed in pieces of this size. */
export function judge(
  archive: Uint8Array,
  options: CheckerOptions & { pieceBytes?: number } = {},
): ArchiveSummary {
  const checker = new ArchiveChecker(options);
  const { pieceBytes = archive.length } = options;
  for (let at = 0; at < archive.length; at += pieceBytes) {
    for (const _ of checker.push(archive.subarray(at, at + pieceBytes)));
  }
  return checker.end();
}

/** The error that `run` throws or rejects with. */
export async function errorOf(run: () => unknown): Promise<Error> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  return assert.fail('nothing was thrown');
}

/** As `errorOf`, but only a BackupError will do: every command turns it into its exit status. */
export async function failureOf(run: () => unknown): Promise<BackupError> {
  const error = await errorOf(run);
  if (error instanceof BackupError) return error;
  throw error;
}

/** Keeps what it is given; fails from the write on that would bring it over `bytesMax`. */
export class MemorySink implements ByteSink {
  readonly name = 'memory';
  readonly #parts: Uint8Array[] = [];
  readonly #bytesMax: number;
  readonly events: string[] = [];
  #length = 0;

  constructor(bytesMax = Infinity) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): Uint8Array {
    return join(...this.#parts);
  }

  async write(buffers: Uint8Array[]): Promise<void> {
    await Promise.resolve();
    // A copy: once this resolves, the buffers may be used again.
    const bytes = join(...buffers);
    this.#length += bytes.length;
    if (this.#length > this.#bytesMax) throw new BackupError('storage', 'the sink is full');
    this.#parts.push(bytes);
  }

  close(): Promise<void> {
    this.events.push('close');
    return Promise.resolve();
  }

  abort(last?: Uint8Array): Promise<void> {
    this.events.push('abort');
    if (last) this.#parts.push(last);
    return Promise.resolve();
  }
}
