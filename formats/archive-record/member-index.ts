import { FormatError } from '../format-error.ts';
import { type JsonRecord, asJsonRecord, isCount } from '../json-record.ts';
import { parseJson, parseJsonRecord } from './parse-record.ts';
import { indexName, recordFormat } from './names.ts';

/** What the changed pages of a data file are, known before they are read. */
export interface DeltaContent {
  /** Bytes of the data file that the pages are of. */
  fileSize: number;
  /** Pages, header pages of blocks included, that each chunk but the last decodes to. */
  chunkPages: number;
  /** The numbers of the pages, see page-runs.ts; undefined where they are too many for an index. */
  pages?: string | undefined;
}

/** One member of the archive and where its chunks lie. */
export interface MemberEntry {
  path: string;
  /** Path of its chunks, where it is another: only in archives of other tools. */
  chunkPath?: string | undefined;
  /** InnoDB space id; undefined where there is none or page 0 was still all zero. */
  spaceId?: number | undefined;
  /** Physical page size, bytes. */
  pageSize?: number | undefined;
  /** Bytes of the member in the archive. */
  size: number;
  /** Bytes of the file that it decodes to; undefined where nothing is encoded. */
  plainSize?: number | undefined;
  /** Of a `.delta` member. */
  delta?: DeltaContent | undefined;
  /** Four numbers a chunk: archive offset of its header, payload length, file offset, CRC-32. */
  chunks: number[];
  /**
   * Bytes of each chunk before its payload, where some are not payload chunks: only in archives of
   * other tools.
   */
  headers?: number[] | undefined;
  /** SHA-256 of each chunk's payload, hex; undefined in an archive without digests. */
  digests?: string[] | undefined;
}

export const numbersPerChunk = 4;

/** Longest text of page numbers that a member may have, bytes for each of its chunks. */
export const pagesBytesMax = 4096;

/** Upper bound of an index's length for what was seen in the stream, so that a reader can limit it. */
export const indexBytesMax = (members: number, chunks: number): number =>
  1024 + members * 4096 + chunks * (160 + pagesBytesMax);

/** The index as text, one member a line, in pieces so that it is never in one string. */
export function* encodeIndex(
  backupId: string,
  members: Iterable<MemberEntry>,
): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(
    `{"format":${recordFormat},"backupId":${JSON.stringify(backupId)},"members":[`,
  );
  let separator = '\n';
  for (const { path, chunkPath, spaceId, pageSize, size, ...content } of members) {
    const { plainSize, delta, chunks, headers, digests } = content;
    const place = { path, chunkPath, spaceId, pageSize, size };
    const entry = { ...place, plainSize, delta, chunks, headers, digests };
    yield encoder.encode(separator + JSON.stringify(entry));
    separator = ',\n';
  }
  yield encoder.encode('\n]}\n');
}

/**
 * Reads an index that is laid out as `encodeIndex` does it, line by line: a long one does not fit
 * into one string. @throws FormatError invalid.
 */
export function decodeIndex(bytes: Uint8Array): { backupId: string; members: MemberEntry[] } {
  const lines = new Lines(bytes);
  const head = lines.next();
  const isList = head.endsWith('[');
  const record = parseJsonRecord(indexName, isList ? `${head}${closing}` : head);
  const backupId = record.string('backupId');
  if (record.array('members').length > 0 || !isList) throw lines.fault();
  const members: MemberEntry[] = [];
  let line = lines.next();
  for (let more = line !== closing; more; line = lines.next()) {
    more = line.endsWith(',');
    members.push(decodeMember(more ? line.slice(0, -1) : line, members.length));
  }
  if (line !== closing || !lines.isAtEnd) throw lines.fault();
  return { backupId, members };
}

const closing = ']}';

/** Text that comes line by line, each ended by LF. */
class Lines {
  readonly #bytes: Uint8Array;
  readonly #decoder = new TextDecoder();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  next(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.fault();
    const line = this.#decoder.decode(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return line;
  }

  fault(): FormatError {
    return new FormatError('invalid', indexName, this.#at, 'not JSON with one member a line');
  }
}

function decodeMember(line: string, position: number): MemberEntry {
  const name = `${indexName} > members[${position}]`;
  const record = asJsonRecord(name, parseJson(name, line));
  const chunks = record.array('chunks');
  if (chunks.length % numbersPerChunk !== 0 || !chunks.every(isCount)) {
    throw new FormatError('invalid', `${name} > chunks`, 0, 'four whole numbers a chunk wanted');
  }
  const count = chunks.length / numbersPerChunk;
  return {
    path: record.string('path'),
    ...ofOtherTools(name, record, count),
    spaceId: record.optionalNumber('spaceId'),
    pageSize: record.optionalNumber('pageSize'),
    size: record.number('size'),
    plainSize: record.optionalNumber('plainSize'),
    ...decodeDelta(record),
    chunks,
    digests: decodeDigests(name, record, count),
  };
}

function decodeDelta(member: JsonRecord): Pick<MemberEntry, 'delta'> {
  const record = member.optionalRecord('delta');
  if (!record) return {};
  const fileSize = record.number('fileSize');
  const chunkPages = record.number('chunkPages');
  return { delta: { fileSize, chunkPages, pages: record.optionalString('pages') } };
}

function ofOtherTools(
  name: string,
  record: JsonRecord,
  count: number,
): Pick<MemberEntry, 'chunkPath' | 'headers'> {
  const chunkPath = record.optionalString('chunkPath');
  const headers = record.optionalArray('headers');
  if (headers && (headers.length !== count || !headers.every(isCount))) {
    throw new FormatError('invalid', `${name} > headers`, 0, 'a whole number a chunk wanted');
  }
  return { ...(chunkPath !== undefined && { chunkPath }), ...(headers && { headers }) };
}

function decodeDigests(name: string, record: JsonRecord, count: number): string[] | undefined {
  const digests = record.optionalArray('digests');
  if (digests === undefined) return undefined;
  if (digests.length !== count || !digests.every(isDigest)) {
    throw new FormatError('invalid', `${name} > digests`, 0, 'a SHA-256 a chunk wanted');
  }
  return digests;
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
