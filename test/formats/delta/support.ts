import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DeltaDecoder, encodeDeltaHeader, type DeltaPage } from '../../../formats/delta/index.ts';
import { drain } from '../decoder-sweeps.ts';

/** What vectors/README.md says of the vectors: page size, and the number of pages of each block. */
export const vectors = {
  still: { pageSize: 4096, blocks: [0] },
  few: { pageSize: 4096, blocks: [3] },
  many: { pageSize: 4096, blocks: [1023, 53] },
  zip: { pageSize: 1024, blocks: [255, 56] },
  exact: { pageSize: 1024, blocks: [255] },
} as const;

export type VectorName = keyof typeof vectors;
export const vectorNames = Object.keys(vectors) as VectorName[];

/** A member of an incremental backup by mariadb-backup; a fresh copy each time. */
export function vector(name: VectorName): Uint8Array {
  const path = `formats/delta/vectors/${name}.ibd.delta.gz`;
  return Uint8Array.from(gunzipSync(readFileSync(path)));
}

/** All pages of a delta that is pushed in pieces of `step` bytes. */
export function decodeAll(input: Uint8Array, pageSize: number, step?: number): DeltaPage[] {
  return drain(new DeltaDecoder(pageSize), input, step);
}

/** The delta of these pages, cut into blocks by the rules of the spec. */
export function encodeAll(
  pages: readonly Pick<DeltaPage, 'pageNumber' | 'bytes'>[],
  pageSize: number,
): Uint8Array {
  const most = pageSize / 4 - 1;
  const parts: Uint8Array[] = [];
  for (let from = 0; from === 0 || from < pages.length; from += most) {
    const block = pages.slice(from, from + most);
    const isLast = from + most >= pages.length;
    const numbers = block.map(({ pageNumber }) => pageNumber);
    parts.push(encodeDeltaHeader(numbers, { pageSize, isLast }), ...block.map((one) => one.bytes));
  }
  return join(...parts);
}

/** A header page by its words alone, so that it can be wrong. */
export function headerOf(magic: string, words: readonly number[], pageSize = 1024): Uint8Array {
  const page = Buffer.alloc(pageSize);
  page.write(magic, 'latin1');
  for (const [index, word] of words.entries()) page.writeUInt32BE(word, 4 + index * 4);
  return Uint8Array.from(page);
}

/** Every page of a full block of 1 KiB pages, from `first` on. */
export const fullList = (first = 0): number[] => Array.from({ length: 255 }, (_, at) => first + at);

export const blank = (pages: number): Uint8Array => new Uint8Array(pages * 1024);

export const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
