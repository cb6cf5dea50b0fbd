import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PageRunsEncoder, decodePageRuns } from '../../../formats/archive-record/index.ts';
import { FormatError } from '../../../formats/format-error.ts';

function encoded(pages: Iterable<number>, charactersMax = Infinity): string | undefined {
  const encoder = new PageRunsEncoder(charactersMax);
  for (const page of pages) encoder.add(page);
  return encoder.end();
}

function pagesOf(text: string): number[] {
  return [...decodePageRuns(text, 'pages')].flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, index) => first + index),
  );
}

describe('page numbers as text', () => {
  it('are the ones that archive-record.md shows', () => {
    assert.deepEqual(pagesOf('3 0+9 z'), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 49]);
    assert.equal(encoded([3, 5, 6, 49]), '3 1+1 16');
    assert.equal(encoded([]), '');
    assert.deepEqual(pagesOf(''), []);
  });

  it('come back, whatever they are', () => {
    for (let round = 0; round < 200; round += 1) {
      const pages: number[] = [];
      for (let page = 0, end = round * 7; page < end; page += 1 + ((page * round * 31) % 5)) {
        pages.push(page);
      }
      assert.deepEqual(pagesOf(encoded(pages) ?? ''), pages);
    }
    const last = 2 ** 32 - 1;
    assert.deepEqual(pagesOf(encoded([0, last - 1, last]) ?? ''), [0, last - 1, last]);
  });

  it('are given up when they take more characters than they may', () => {
    const pages = Array.from({ length: 1000 }, (_, index) => index * 2);
    const text = encoded(pages) ?? '';
    assert.equal(encoded(pages, text.length + 1), text);
    assert.equal(encoded(pages, text.length - 1), undefined);
  });

  it('are refused when they are written otherwise or lead beyond the last page there can be', () => {
    for (const text of [
      ' ',
      ' 1',
      '1 ',
      '1  2',
      '+1',
      '1+',
      '1+ 2',
      'A',
      '-1',
      '1.5',
      'zzzzzzz',
      '1z141z4',
      '1z141z3+1',
      '0+zzzzzzzzzzzzzzz',
      '1\n',
    ]) {
      assert.throws(
        () => [...decodePageRuns(text, 'delta > pages')],
        (error) => {
          assert.ok(error instanceof FormatError);
          return error.kind === 'invalid' && error.field === 'delta > pages';
        },
        text,
      );
    }
  });
});
