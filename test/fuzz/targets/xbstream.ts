import { ChunkDecoder, type ChunkEvent } from '../../../formats/xbstream/index.ts';
import {
  chunk,
  endChunk,
  join,
  payloadChunk,
  sparseChunk,
  text,
  u32,
  u64,
  vector,
  vectorNames,
} from '../../formats/xbstream/support.ts';
import type { Random } from '../../support/random.ts';
import { mendByComplaint } from '../mend-by-complaint.ts';
import { type Input, type Target, pieces, sameBytes } from '../target.ts';

const everyKind = join(
  payloadChunk('db/t.ibd', 0, text('some rows')),
  sparseChunk(
    'db/t.ibd',
    9,
    [
      [4096, 4],
      [8192, 0],
      [100, 3],
    ],
    text('abcdefg'),
  ),
  chunk('S', 'db/t.ibd', u64(70_000)),
  endChunk('db/t.ibd'),
  chunk('R', 'db/t.ibd', u32(8), text('db/u.ibd')),
  chunk('D', 'db/u.ibd'),
  endChunk('x'),
);

function read(bytes: Uint8Array, feed: Iterable<Uint8Array>): ChunkEvent[] {
  const decoder = new ChunkDecoder();
  const events: ChunkEvent[] = [];
  for (const piece of feed) {
    decoder.push(piece);
    for (let event = decoder.next(); event; event = decoder.next()) events.push(event);
  }
  if (bytes.length === 0) decoder.next();
  decoder.end();
  return events;
}

/** The decoder judges payloads by their CRC, and must give account of every byte. */
function objection(found: unknown, { bytes, sample, changes, mended }: Input): string | undefined {
  const events = found as ChunkEvent[];
  let position = 0;
  for (const event of events) {
    if (event.kind === 'data') position += event.bytes.length;
    // What an unknown chunk carries is passed over in silence.
    if (event.kind === 'ignored') position += event.length;
    if (!('archiveOffset' in event)) continue;
    const at = event.archiveOffset + (event.kind === 'ignored' ? event.length : 0);
    if (at !== position) return `a ${event.kind} chunk at ${event.archiveOffset}, not ${position}`;
    position += event.headerLength;
  }
  if (position !== bytes.length) return `${position} of ${bytes.length} bytes accounted for`;
  const isFlip = changes.length === 1 && changes[0] === 'flip' && !mended;
  if (!isFlip || sample === undefined) return undefined;
  const before = read(sample, [sample]);
  // Another kind of chunk is another matter: that is for whoever knows the files.
  if (kindsOf(events) !== kindsOf(before)) return undefined;
  return sameBytes(dataOf(events), dataOf(before))
    ? undefined
    : 'a flipped bit of a payload was accepted';
}

function kindsOf(events: readonly ChunkEvent[]): string {
  return events.flatMap(({ kind }) => (kind === 'data' ? [] : [kind])).join();
}

function dataOf(events: readonly ChunkEvent[]): Uint8Array {
  return join(...events.flatMap((event) => (event.kind === 'data' ? [event.bytes] : [])));
}

/** The chunk decoder, which knows chunks and not yet files. */
export const xbstream: Target = {
  name: 'xbstream',
  open: () => ({
    samples: [everyKind, ...vectorNames.map(vector).filter((bytes) => bytes.length > 0)],
    read: (bytes: Uint8Array, random: Random) => read(bytes, pieces(bytes, random)),
    objection,
    mend: (bytes) => mendByComplaint(bytes, (mended) => read(mended, [mended])),
  }),
};
