import {
  type DeltaContent,
  type MemberEntry,
  decodePageRuns,
  numbersPerChunk,
} from '../../formats/archive-record/index.ts';
import { blockPagesMax, encodeDeltaHeader } from '../../formats/delta/index.ts';
import { BackupError } from '../errors.ts';
import { plainPath } from '../transform/member-decoder.ts';
import { PageSet } from './page-set.ts';
import type { Layer } from './plan-chain.ts';

/** A page of a member: its number in the file, or the header page of a delta as it must be. */
export type Slot = number | Uint8Array;

/** A member of which only some chunks are read. */
export interface LayerChunks {
  /** The member with no other chunks than these. */
  entry: MemberEntry;
  /**
   * The pages that these chunks decode to, in their order. Undefined where only the delta itself
   * tells.
   */
  slots: (() => Generator<Slot>) | undefined;
}

/** The pages of a layer that newer links replace, or that are behind an end that the file had since. */
export function supersededPages({ file, newer }: Layer): PageSet {
  const { pageSize } = file;
  const sizes = newer.map(({ delta }) => Math.ceil(delta.fileSize / pageSize));
  const pages = Math.min(Math.ceil(file.size / pageSize), ...sizes);
  const set = new PageSet(pages);
  for (const { path, delta } of newer) {
    for (const { first, count } of runsOf(path, delta)) set.add(first, count);
  }
  return set;
}

/** The chunks of a layer that have a page which stays. */
export function layerChunks(layer: Layer, superseded: PageSet): LayerChunks {
  const { entry, file } = layer;
  const { delta } = entry;
  if (delta?.pages !== undefined) return deltaChunks(layer, delta, superseded);
  if (delta) return { entry, slots: undefined };
  return wholeChunks(entry, file.pageSize, superseded);
}

function* runsOf(path: string, { pages = '' }: DeltaContent): ReturnType<typeof decodePageRuns> {
  yield* decodePageRuns(pages, `${path} > delta > pages`);
}

/** The chunks of a delta can be decoded one by one, and each but the last has as many pages. */
function deltaChunks(layer: Layer, delta: DeltaContent, superseded: PageSet): LayerChunks {
  const { entry, file } = layer;
  const { chunkPages } = delta;
  const count = entry.chunks.length / numbersPerChunk;
  const wanted = new Uint8Array(count);
  let pages = 0;
  let headerChunk = 0;
  for (const slot of slotsOf(entry.path, delta, file.pageSize)) {
    const chunk = Math.floor(pages / chunkPages);
    if (typeof slot !== 'number') headerChunk = chunk;
    // The header page goes along: it tells whether the index is right.
    else if (!superseded.has(slot)) wanted[headerChunk] = wanted[chunk] = 1;
    pages += 1;
  }
  const { size, plainSize = size } = entry;
  if (Math.ceil(pages / chunkPages) !== count || pages * file.pageSize !== plainSize) {
    const room = `${count} chunks of ${chunkPages}, ${plainSize} bytes`;
    const message = `${entry.path}: ${pages} pages are not in ${room}`;
    throw new BackupError('corrupt', message, { where: { path: entry.path } });
  }
  const isWanted = (chunk: number): boolean => wanted[chunk] === 1;
  const slots = function* (): Generator<Slot> {
    let at = 0;
    for (const slot of slotsOf(entry.path, delta, file.pageSize)) {
      if (isWanted(Math.floor(at / chunkPages))) yield slot;
      at += 1;
    }
  };
  return { entry: withChunks(entry, isWanted), slots };
}

/** What each page of a delta is, by the index. */
function* slotsOf(path: string, delta: DeltaContent, pageSize: number): Generator<Slot> {
  const perBlock = blockPagesMax(pageSize);
  let block: number[] = [];
  for (const { first, count } of runsOf(path, delta)) {
    for (let page = first; page < first + count; page += 1) {
      if (block.length === perBlock) {
        yield encodeDeltaHeader(block, { pageSize, isLast: false });
        yield* block;
        block = [];
      }
      block.push(page);
    }
  }
  yield encodeDeltaHeader(block, { pageSize, isLast: true });
  yield* block;
}

/** What is encoded has to be read whole: nothing says where its pages are. */
function wholeChunks(entry: MemberEntry, pageSize: number, superseded: PageSet): LayerChunks {
  const isPlain = plainPath(entry.path) === entry.path;
  const spans = [...spansOf(entry)];
  const isAligned = spans.every(({ offset }) => offset % pageSize === 0);
  const size = entry.plainSize ?? entry.size;
  if (!isPlain || !isAligned) {
    return { entry, slots: () => counted(0, Math.ceil(size / pageSize)) };
  }
  const pagesOf = ({ offset, length }: Span): [first: number, count: number] => [
    offset / pageSize,
    Math.ceil(length / pageSize),
  ];
  const wanted = spans.map((span) => !superseded.hasAll(...pagesOf(span)));
  const isWanted = (chunk: number): boolean => wanted[chunk] === true;
  const slots = function* (): Generator<number> {
    for (const [chunk, span] of spans.entries())
      if (isWanted(chunk)) yield* counted(...pagesOf(span));
  };
  return { entry: withChunks(entry, isWanted), slots };
}

interface Span {
  offset: number;
  length: number;
}

function* spansOf({ chunks }: MemberEntry): Generator<Span> {
  for (let at = 0; at < chunks.length; at += numbersPerChunk) {
    yield { offset: chunks[at + 2] as number, length: chunks[at + 1] as number };
  }
}

function* counted(first: number, count: number): Generator<number> {
  for (let page = first; page < first + count; page += 1) yield page;
}

function withChunks(entry: MemberEntry, isWanted: (chunk: number) => boolean): MemberEntry {
  const chunks = entry.chunks.filter((_, at) => isWanted(Math.floor(at / numbersPerChunk)));
  const digests = entry.digests?.filter((_, chunk) => isWanted(chunk));
  return { ...entry, chunks, digests };
}
