import { type MemberEntry, numbersPerChunk } from '../../formats/archive-record/index.ts';
import { encodePayloadHeader } from '../../formats/xbstream/index.ts';
import type { ArchiveIndex } from '../archive/archive-index.ts';
import { safeMemberPath } from '../archive/member-path.ts';
import { BackupError } from '../errors.ts';
import type { Range } from '../source/archive-objects.ts';

/** What is between two chunks is read and thrown away up to here: a request costs more. */
const gapBytesMax = 1024 * 1024;

/** One chunk of a member, as the index has it. */
export interface PlannedChunk extends Range {
  entry: MemberEntry;
  /** Which one of the member's, from 0. */
  ordinal: number;
  /** Bytes before its payload. */
  headerLength: number;
  payloadLength: number;
  fileOffset: number;
  crc: number;
  digest: string | undefined;
}

/**
 * The chunks of members in the order of the archive. An index that cannot be right is refused:
 * chunks that overlap or lie behind the members, paths that lead away or come twice.
 */
export function planChunks(
  members: readonly MemberEntry[],
  { begin, membersEnd }: ArchiveIndex,
): PlannedChunk[] {
  const paths = new Set<string>();
  for (const { path, chunkPath, headers } of members) {
    const isForeign = chunkPath !== undefined || headers !== undefined;
    if (paths.has(path) || safeMemberPath(path, 0) !== path || (begin && isForeign)) {
      throw wrong(path, 'it is listed twice, or not as we write it');
    }
    paths.add(path);
  }
  const chunks = members.flatMap((entry) => [...chunksOf(entry)]);
  chunks.sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { entry, offset, length } of chunks) {
    if (offset < end) throw wrong(entry.path, `the chunk at byte ${offset} overlaps another`);
    end = offset + length;
    if (end > membersEnd) throw wrong(entry.path, `the chunk at byte ${offset} is too far behind`);
  }
  return chunks;
}

function* chunksOf(entry: MemberEntry): Generator<PlannedChunk> {
  const { path, chunkPath = path, chunks, headers, digests } = entry;
  const plainHeaderLength = encodePayloadHeader(chunkPath, 0, 0, 0).length;
  for (let at = 0; at < chunks.length; at += numbersPerChunk) {
    const numbers = chunks.slice(at, at + numbersPerChunk);
    const [offset, payloadLength, fileOffset, crc] = numbers as [number, number, number, number];
    const ordinal = at / numbersPerChunk;
    const headerLength = headers?.[ordinal] ?? plainHeaderLength;
    const length = headerLength + payloadLength;
    const place = { entry, ordinal, offset, length };
    yield { ...place, headerLength, payloadLength, fileOffset, crc, digest: digests?.[ordinal] };
  }
}

/** What to read so that all chunks are in it: neighbours come together. */
export function coalesce(chunks: readonly PlannedChunk[]): Range[] {
  const ranges: Range[] = [];
  for (const { offset, length } of chunks) {
    const last = ranges.at(-1);
    if (last && offset - (last.offset + last.length) <= gapBytesMax) {
      last.length = offset + length - last.offset;
    } else {
      ranges.push({ offset, length });
    }
  }
  return ranges;
}

function wrong(path: string, message: string): BackupError {
  return new BackupError('corrupt', `member ${path} of the index: ${message}`, { where: { path } });
}
