import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  countPages,
  pageRuns,
  SparsePages,
  segmentBytes,
} from '../../../formats/page-track/index.ts';
import { seededRandom } from '../../support/random.ts';

const setOf = (...pages: number[]): SparsePages => {
  const set = new SparsePages();
  for (const page of pages) set.add(page);
  return set;
};

const runsOf = (set: SparsePages, first?: number): number[][] =>
  [...pageRuns(set.segments, first)].map((run) => [run.first, run.count]);

describe('a set of pages', () => {
  it('tells its pages in ascending runs, however they came', () => {
    assert.deepEqual(runsOf(setOf()), []);
    assert.deepEqual(runsOf(setOf(9, 3, 8, 9, 7, 0)), [
      [0, 1],
      [3, 1],
      [7, 3],
    ]);
  });

  it('lets a run go on over the edge of two bitmaps', () => {
    const set = setOf(4096, 4095, 4094, 8192);
    assert.deepEqual(runsOf(set), [
      [4094, 3],
      [8192, 1],
    ]);
    assert.equal(countPages(set.segments), 4);
  });

  it('counts from the first page of a file that is not the first of its tablespace', () => {
    assert.deepEqual(runsOf(setOf(5, 99, 100, 101, 300), 100), [
      [0, 2],
      [200, 1],
    ]);
  });

  it('takes the memory of one bitmap for the last page that can be', () => {
    const set = setOf(0xffff_fffe);
    assert.deepEqual(runsOf(set), [[0xffff_fffe, 1]]);
    assert.deepEqual(
      [...set.segments.values()].map(({ length }) => length),
      [segmentBytes],
    );
  });

  it('holds what was put in and nothing else', () => {
    const random = seededRandom(12);
    for (let round = 0; round < 20; round += 1) {
      const pages = Array.from({ length: 500 }, () => random.below(20_000));
      const found = [...pageRuns(setOf(...pages).segments)].flatMap(({ first, count }) =>
        Array.from({ length: count }, (_, at) => first + at),
      );
      assert.deepEqual(
        found,
        [...new Set(pages)].sort((a, b) => a - b),
      );
    }
  });
});
