import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DeltaDecoder, type DeltaPage } from '../../../formats/delta/index.ts';
import { encodeAll } from '../../formats/delta/support.ts';
import type { Random } from '../../support/random.ts';
import { type Change, type Target, pieces, sameBytes } from '../target.ts';

const folder = 'formats/delta/vectors';

function vectorsOf(names: readonly string[]): Uint8Array[] {
  return names.map((name) => gunzipSync(readFileSync(`${folder}/${name}.ibd.delta.gz`)));
}

/** Nothing vouches for a page, but what is accepted must be the same when it is written again. */
function target(name: string, pageSize: number, samples: () => Uint8Array[]): Target {
  return {
    name,
    open: () => ({
      samples: samples(),
      read: (bytes, random) => pagesOf(pageSize, pieces(bytes, random)),
      changes: changesOf(pageSize),
      objection: (found, { bytes }) => {
        const pages = found as DeltaPage[];
        const numbers = pages.map(({ pageNumber }) => pageNumber);
        const wrong = numbers.findIndex((number, index) => number <= (numbers[index - 1] ?? -1));
        if (wrong >= 0) return `page ${numbers[wrong]} came behind page ${numbers[wrong - 1]}`;
        return sameBytes(encodeAll(pages, pageSize), bytes)
          ? undefined
          : `${pages.length} pages are not what ${bytes.length} bytes hold`;
      },
    }),
  };
}

function pagesOf(pageSize: number, feed: Iterable<Uint8Array>): DeltaPage[] {
  const decoder = new DeltaDecoder(pageSize);
  const pages: DeltaPage[] = [];
  for (const piece of feed) {
    decoder.push(piece);
    for (let page = decoder.next(); page; page = decoder.next()) pages.push(page);
  }
  decoder.end();
  return pages;
}

/** Changes of a header's words, and of whole pages, which keep the rest in its place. */
function changesOf(pageSize: number): Record<string, Change> {
  const blockSize = (pageSize / 4) * pageSize;
  const wordAt = (bytes: Uint8Array, random: Random): number => {
    const blocks = Math.ceil(bytes.length / blockSize);
    const near = random.pick([4, 8, 16, 64, pageSize]);
    return random.below(blocks) * blockSize + random.below(near / 4) * 4;
  };
  const pageAt = (bytes: Uint8Array, random: Random): number =>
    random.below(1 + Math.floor(bytes.length / pageSize)) * pageSize;
  return {
    word: (bytes, random) => {
      const copy = Buffer.from(bytes);
      const at = wordAt(bytes, random);
      if (at + 4 > copy.length) return undefined;
      const step = random.pick([1, -1, 2, 1000, 2 ** 31]);
      const value = random.pick([0, -1, -2, copy.readUInt32BE(at) + step]);
      copy.writeUInt32BE(value >>> 0, at);
      return new Uint8Array(copy);
    },
    'page-removed': (bytes, random) => {
      const at = pageAt(bytes, random);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + pageSize)]);
    },
    'page-twice': (bytes, random) => {
      const at = pageAt(bytes, random);
      return Buffer.concat([bytes.subarray(0, at + pageSize), bytes.subarray(at)]);
    },
  };
}

/** Small deltas with a list of each kind: without a page, with an end, without room for one. */
function made(): Uint8Array[] {
  const lists = [[], [7], [0, 1, 0xffff_fffe], Array.from({ length: 254 }, (_, at) => at * 3)];
  return lists.map((numbers) =>
    encodeAll(
      numbers.map((pageNumber) => ({ pageNumber, bytes: new Uint8Array(1024) })),
      1024,
    ),
  );
}

/** The deltas of incremental backups. */
export const delta: readonly Target[] = [
  target('delta', 1024, () => [...vectorsOf(['zip', 'exact']), ...made()]),
  target('delta-4k', 4096, () => vectorsOf(['still', 'few'])),
];
