import { endName, keyCheckOf } from '../../../formats/archive-record/index.ts';
import { crc32 } from '../../../formats/crc.ts';
import { ArchiveChecker, type CheckerOptions } from '../../../src/archive/archive-checker.ts';
import { ArchiveWriter } from '../../../src/archive/archive-writer.ts';
import { EncodedMembers } from '../../../src/archive/encoded-members.ts';
import type { Encoding } from '../../../src/transform/encoding.ts';
import {
  MemorySink,
  chunksOf,
  rearranged,
  sampleBegin,
  samples as members,
  stockArchive,
  stockMember,
} from '../../archive/support.ts';
import { chunk, sparseChunk, text, u32, u64 } from '../../formats/xbstream/support.ts';
import type { Random } from '../../support/random.ts';
import { mendByComplaint } from '../mend-by-complaint.ts';
import { type Change, type Input, type Reader, type Target, pieces, sameBytes } from '../target.ts';

export const key = new TextEncoder().encode('percona_xtrabackup_is_awesome___');

/** Archives as a backup writes them, in every encoding. */
export const encodings: Readonly<Record<string, Encoding>> = {
  plain: { digests: false },
  digests: { digests: true },
  zstd: { compression: { algorithm: 'zstd', level: 1 }, digests: true },
  lz4: { compression: { algorithm: 'lz4', blockBytes: 65_536 }, digests: false },
  sealed: {
    compression: { algorithm: 'zstd', level: 1 },
    encryption: { algorithm: 'AES256', key, chunkBytes: 1024 },
    digests: true,
  },
  encrypted: { encryption: { algorithm: 'AES256', key, chunkBytes: 1024 }, digests: true },
};

export async function archiveOf(encoding: Encoding): Promise<Uint8Array> {
  const { compression, encryption, digests } = encoding;
  const sink = new MemorySink();
  const begin = {
    ...sampleBegin,
    compression: compression?.algorithm,
    encryption: encryption?.algorithm,
    keyCheck: encryption && keyCheckOf(encryption.key, sampleBegin.backupId),
    digests,
  };
  const writer = await ArchiveWriter.begin(sink, begin, encoding);
  const store = new EncodedMembers(writer, encoding);
  for (const [path, ...payloads] of members) {
    const member = store.open({ path });
    for (const payload of payloads) {
      const bytes = typeof payload === 'string' ? text(payload) : payload;
      await member.write(bytes, crc32(bytes));
    }
    await member.close();
  }
  await writer.finish();
  return sink.bytes;
}

/** What an archive was found to hold: the bytes of each member. */
type Held = ReadonlyMap<string, Uint8Array>;

function judged(feed: Iterable<Uint8Array>, options: CheckerOptions): Held {
  const checker = new ArchiveChecker(options);
  const held = new Map<string, Uint8Array[]>();
  let path = '';
  for (const piece of feed) {
    for (const event of checker.push(piece)) {
      if ('path' in event) ({ path } = event);
      if (event.kind === 'data') held.set(path, [...(held.get(path) ?? []), event.bytes]);
    }
  }
  checker.end();
  return new Map([...held].map(([name, parts]) => [name, Buffer.concat(parts)]));
}

/** Chunks moved, doubled, left out: the borders that a cut or a mixed-up pipe would keep. */
const chunkChanges: Readonly<Record<string, Change>> = {
  chunks: (bytes, random) => {
    const count = countChunks(bytes);
    if (count < 2) return undefined;
    const [a, b] = [random.below(count), random.below(count)];
    const ways: ((positions: number[]) => number[])[] = [
      (all) => all.toSpliced(a, 1),
      (all) => all.toSpliced(a, 0, b),
      (all) => all.with(a, b).with(b, a),
      (all) => all.slice(0, a),
      (all) => all.slice(a),
    ];
    return rearranged(bytes, random.pick(ways));
  },
  dotted: (bytes, random) => {
    if (countChunks(bytes) === 0) return undefined;
    const chunks = chunksOf(bytes);
    const { from, path } = random.pick(chunks);
    const longer = u32(Buffer.byteLength(path) + 2);
    const at = from + 14;
    const [head, rest] = [bytes.subarray(0, from + 10), bytes.subarray(at)];
    return new Uint8Array(Buffer.concat([head, longer, text('./'), rest]));
  },
};

function countChunks(bytes: Uint8Array): number {
  try {
    return chunksOf(bytes).length;
  } catch {
    return 0;
  }
}

/**
 * No change of an archive of ours passes, except that the end chunks of members whose payloads
 * are all there may stand in another order: they carry nothing but a name, and nothing is lost.
 */
function objection(found: unknown, { bytes, sample, mended }: Input): string | undefined {
  if (sample === undefined || sameBytes(bytes, sample)) return undefined;
  if (!mended) {
    return isReordered(bytes, sample) ? undefined : 'an archive was changed and accepted';
  }
  // With its CRC made right, the end record may be written in another way that means the same.
  const [held, wanted] = [found as Held, judged([sample], { key })];
  const differs = [...wanted].some(([path, was]) => {
    const is = held.get(path);
    return path !== endName && (is === undefined || !sameBytes(was, is));
  });
  return differs || held.size !== wanted.size ? 'a member was changed and accepted' : undefined;
}

function isReordered(bytes: Uint8Array, sample: Uint8Array): boolean {
  const [after, before] = [chunksOf(bytes), chunksOf(sample)];
  const payloads = (all: typeof after): Uint8Array =>
    Buffer.concat(all.filter(({ kind }) => kind === 'payload').map((one) => one.bytes));
  const ends = (all: typeof after): string =>
    all
      .filter(({ kind }) => kind === 'end')
      .map((one) => Buffer.from(one.bytes).toString('hex'))
      .toSorted()
      .join();
  return sameBytes(payloads(after), payloads(before)) && ends(after) === ends(before);
}

function reader(samples: Uint8Array[], options: CheckerOptions): Reader {
  return {
    samples,
    read: (bytes: Uint8Array, random: Random) => judged(pieces(bytes, random), options),
    changes: chunkChanges,
    objection,
    mend: (bytes) => mendByComplaint(bytes, (mended) => judged([mended], options)),
  };
}

/** Archives of ours without a key: nothing but checksums vouch for them. */
export const archive: Target = {
  name: 'archive',
  open: async () => {
    const { sealed: _s, encrypted: _e, ...open } = encodings;
    return reader(await Promise.all(Object.values(open).map(archiveOf)), {});
  },
};

/** Encrypted archives of ours, checked with their key and by somebody who has none. */
export const archiveSealed: Target = {
  name: 'archive-sealed',
  open: async () => {
    const { sealed, encrypted } = encodings;
    const both = [sealed, encrypted].filter((one) => one !== undefined);
    return reader(await Promise.all(both.map(archiveOf)), { key, needKey: true });
  },
};

export const archiveKeyless: Target = {
  name: 'archive-keyless',
  open: async () => {
    const { sealed, encrypted } = encodings;
    const both = [sealed, encrypted].filter((one) => one !== undefined);
    const keyless = reader(await Promise.all(both.map(archiveOf)), {});
    return {
      ...keyless,
      objection: (found, input) => (input.mended ? undefined : objection(found, input)),
    };
  },
};

/** Archives of stock tools, which prove next to nothing: only robustness counts. */
export const archiveStock: Target = {
  name: 'archive-stock',
  open: () => {
    const samples = [
      stockArchive(
        ...stockMember('ibdata1', 'half', 'other half'),
        sparseChunk(
          'db/t.ibd',
          0,
          [
            [0, 4],
            [8192, 3],
            [100, 0],
          ],
          text('abcdefg'),
        ),
        chunk('E', 'db/t.ibd'),
        chunk('R', 'db/t.ibd', u32(8), text('db/u.ibd')),
        chunk('D', 'ibdata1'),
      ),
      stockArchive(chunk('S', 'seek', u64(70_000)), chunk('E', 'seek')),
    ];
    const { changes, mend, read } = reader(samples, { anyArchive: true });
    return { samples, read, ...(changes && { changes }), ...(mend && { mend }) };
  },
};
