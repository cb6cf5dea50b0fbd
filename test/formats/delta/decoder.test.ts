import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  blockHeader,
  blockPagesMax,
  DeltaDecoder,
  pageEntry,
  pageSizeMax,
} from '../../../formats/delta/index.ts';
import { dataView } from '../../../formats/layout.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import {
  blank,
  decodeAll,
  fullList,
  headerOf,
  join,
  vector,
  vectorNames,
  vectors,
} from './support.ts';

const end = 0xffff_ffff;

describe('delta decoder', () => {
  it('gives every page of the deltas of mariadb-backup with its number, in order', () => {
    for (const name of vectorNames) {
      const { pageSize, blocks } = vectors[name];
      const input = vector(name);
      const pages = decodeAll(input, pageSize);
      const count = blocks.reduce((sum: number, of) => sum + of, 0);
      assert.equal(pages.length, count, name);
      assert.equal(input.length, (count + blocks.length) * pageSize, name);
      // These tables have no page that tells another number inside.
      const inside = pages.map(({ bytes }) => dataView(bytes).getUint32(4));
      const numbers = pages.map(({ pageNumber }) => pageNumber);
      assert.deepEqual(numbers, inside, name);
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
      );
      assert.ok(pages.every(({ bytes }) => bytes.length === pageSize));
    }
  });

  it('gives the pages that the server has changed, and nothing when there are none', () => {
    const numbersOf = (name: 'few' | 'still'): number[] =>
      decodeAll(vector(name), 4096).map(({ pageNumber }) => pageNumber);
    assert.deepEqual(numbersOf('few'), [4, 13, 23]);
    assert.deepEqual(numbersOf('still'), []);
  });

  it('gives the place of each page in the delta, header pages not counted', () => {
    const input = vector('zip');
    const places = decodeAll(input, 1024).map(({ offset }) => offset / 1024);
    const wanted = [...fullList(1), ...Array.from({ length: 56 }, (_, at) => 257 + at)];
    assert.deepEqual(places, wanted);
  });

  it('gives the same however the input is cut', () => {
    for (const name of vectorNames) {
      const { pageSize } = vectors[name];
      const input = vector(name);
      const whole = decodeAll(input, pageSize);
      // Byte by byte what is short: every piece of a page is kept until it is whole.
      const steps = input.length < 400_000 ? [1, 3, 1023, 4097] : [1023, 4096, 65_537];
      for (const step of steps) {
        assert.deepEqual(decodeAll(input, pageSize, step), whole, `${name} cut every ${step}`);
      }
    }
  });

  it('gives every page as soon as its last byte is there', () => {
    const input = vector('few');
    const decoder = new DeltaDecoder(4096);
    const seen: number[] = [];
    for (let at = 0; at < input.length; at += 1) {
      decoder.push(input.subarray(at, at + 1));
      if (decoder.next() !== undefined) seen.push(at + 1);
    }
    decoder.end();
    assert.deepEqual(seen, [8192, 12_288, 16_384]);
  });

  it('does not copy a page that came in one piece', () => {
    const input = vector('few');
    for (const { bytes, offset } of decodeAll(input, 4096)) {
      assert.equal(bytes.buffer, input.buffer);
      assert.equal(bytes.byteOffset, input.byteOffset + offset);
    }
  });

  it('reads pages of every size, and the greatest page number', () => {
    for (let pageSize = 1024; pageSize <= pageSizeMax; pageSize *= 2) {
      const page = new Uint8Array(pageSize).fill(7);
      const input = join(headerOf('XTRA', [0, 0xffff_fffe, end], pageSize), page, page);
      const pages = decodeAll(input, pageSize);
      assert.deepEqual(
        pages.map(({ pageNumber }) => pageNumber),
        [0, 0xffff_fffe],
      );
      assert.deepEqual(pages[1]?.bytes, page);
    }
  });

  it('reads three blocks of which the last is full', () => {
    const blocks = [0, 300, 555].map((first, index) =>
      join(headerOf(index < 2 ? 'xtra' : 'XTRA', fullList(first)), blank(255)),
    );
    const numbers = decodeAll(join(...blocks), 1024).map(({ pageNumber }) => pageNumber);
    assert.deepEqual(numbers, [...fullList(0), ...fullList(300), ...fullList(555)]);
  });

  it('has the tables of its spec, and the number of pages that it names', () => {
    for (const table of [blockHeader, pageEntry]) {
      const rows = specTable('formats/delta/delta.md', layoutTitles, table.name);
      assert.deepEqual(rows, layoutRows(table), table.name);
    }
    assert.equal(blockPagesMax(16_384), 4095);
  });
});
