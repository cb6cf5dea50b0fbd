import { type MemberEntry, numbersPerChunk } from '../../formats/archive-record/index.ts';
import type { ArchiveIndex } from '../archive/archive-index.ts';
import { BackupError } from '../errors.ts';
import type { ArchiveObjects, RangePiece } from '../source/archive-objects.ts';
import { type PlannedChunk, coalesce, planChunks } from './chunk-plan.ts';
import { ChunkProof } from './chunk-proof.ts';
import type { MemberOutput } from './member-output.ts';
import { MemberSequence } from './member-sequence.ts';
import { type PlaceOptions, placeMembers } from './place-members.ts';

export interface ReadMembersOptions extends PlaceOptions {
  /** The members asked for may lack chunks that the index has: what comes of them moves up. */
  partly?: boolean;
  /** Called with the bytes read so far, and with how many there are to read. */
  onProgress?: (bytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Gives some members of an archive to an output by reading no more than the ranges that they are
 * in. Every chunk is held against the index, which vouches for it.
 */
export async function readMembers(
  archive: ArchiveObjects,
  index: ArchiveIndex,
  wanted: readonly MemberEntry[],
  output: MemberOutput,
  { partly = false, onProgress, signal, ...options }: ReadMembersOptions,
): Promise<void> {
  requireDigests(index, wanted);
  const chunks = planChunks(wanted, index);
  const ranges = coalesce(chunks);
  const totalBytes = ranges.reduce((sum, { length }) => sum + length, 0);
  await placeMembers(output, options, async (placer) => {
    const gaps = index.begin ? 'none' : 'holes';
    const members = new MemberSequence(placer, partly ? 'left out' : gaps);
    for (const entry of wanted) if (entry.chunks.length === 0) await members.end(entry);
    const waiting = new WaitingChunks(chunks, members);
    let bytes = 0;
    for await (const piece of archive.ranges(ranges, signal)) {
      signal?.throwIfAborted();
      await waiting.take(piece);
      bytes += piece.bytes.length;
      onProgress?.(bytes, totalBytes);
    }
  });
}

/** An archive that has digests has them of every chunk: an index without one was changed. */
function requireDigests({ begin }: ArchiveIndex, wanted: readonly MemberEntry[]): void {
  const without = begin?.digests === true ? wanted.find(({ digests }) => !digests) : undefined;
  if (!without) return;
  const { path } = without;
  throw new BackupError('corrupt', `member ${path}: the index has no SHA-256 of it`, {
    where: { path },
  });
}

/** Cuts the chunks out of the pieces that are read. */
class WaitingChunks {
  readonly #chunks: readonly PlannedChunk[];
  readonly #members: MemberSequence;
  #next = 0;
  #proof: ChunkProof | undefined;

  constructor(chunks: readonly PlannedChunk[], members: MemberSequence) {
    this.#chunks = chunks;
    this.#members = members;
  }

  async take({ offset, bytes }: RangePiece): Promise<void> {
    const pieceEnd = offset + bytes.length;
    for (let chunk = this.#chunks[this.#next]; chunk; chunk = this.#chunks[this.#next]) {
      const end = chunk.offset + chunk.length;
      if (chunk.offset >= pieceEnd) return;
      this.#proof ??= new ChunkProof(chunk);
      const from = Math.max(chunk.offset, offset) - offset;
      const part = bytes.subarray(from, Math.min(end, pieceEnd) - offset);
      for (const event of this.#proof.push(part)) await this.#members.take(chunk, event);
      if (end > pieceEnd) return;
      this.#proof.end();
      this.#proof = undefined;
      this.#next += 1;
      const { entry, ordinal } = chunk;
      if (ordinal + 1 === entry.chunks.length / numbersPerChunk) await this.#members.end(entry);
    }
  }
}
