import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeDeltaHeader, pageSizeMax } from '../../../formats/delta/index.ts';
import { failureOf } from '../decoder-sweeps.ts';
import {
  decodeAll,
  encodeAll,
  fullList,
  headerOf,
  vector,
  vectorNames,
  vectors,
} from './support.ts';

const end = 0xffff_ffff;
const last = { pageSize: 1024, isLast: true };
const more = { pageSize: 1024, isLast: false };

const refusal = (numbers: number[], options: { pageSize: number; isLast: boolean }): string => {
  const { kind, message } = failureOf(() => encodeDeltaHeader(numbers, options));
  return `${kind} ${message}`;
};

describe('delta header encoder', () => {
  it('writes the deltas of mariadb-backup again, byte for byte', () => {
    for (const name of vectorNames) {
      const { pageSize } = vectors[name];
      const input = vector(name);
      const again = encodeAll(decodeAll(input, pageSize), pageSize);
      assert.equal(Buffer.compare(again, input), 0, name);
    }
  });

  it('ends a list only where there is room', () => {
    assert.deepEqual(encodeDeltaHeader([], last), headerOf('XTRA', [end]));
    assert.deepEqual(encodeDeltaHeader([0, 7], last), headerOf('XTRA', [0, 7, end]));
    const one = fullList().slice(1);
    assert.deepEqual(encodeDeltaHeader(one, last), headerOf('XTRA', [...one, end]));
    assert.deepEqual(encodeDeltaHeader(fullList(), last), headerOf('XTRA', fullList()));
    assert.deepEqual(encodeDeltaHeader(fullList(), more), headerOf('xtra', fullList()));
    const typed = Uint32Array.of(3, 0xffff_fffe);
    const words = [3, 0xffff_fffe, end];
    const options = { pageSize: pageSizeMax, isLast: true };
    assert.deepEqual(encodeDeltaHeader(typed, options), headerOf('XTRA', words, pageSizeMax));
  });

  it('refuses a block that readers refuse', () => {
    assert.match(refusal([], more), /invalid .* 0 pages in a block of 255/u);
    assert.match(refusal(fullList().slice(1), more), /254 pages in a block of 255/u);
    assert.match(refusal([...fullList(), 255], more), /256 pages in a block of 255/u);
    assert.match(refusal([...fullList(), 255], last), /256 pages in a block of at most 255/u);
    assert.match(refusal([1, 1], last), /page numbers at byte 8: 1 behind 1/u);
    assert.match(refusal([2, 1], last), /1 behind 2/u);
    for (const number of [end, 2 ** 32, -1, 0.5, NaN])
      assert.match(refusal([number], last), /at byte 4: .* is no page number/u);
    for (const pageSize of [0, 1000, 512, 131_072]) {
      assert.match(refusal([], { pageSize, isLast: true }), /delta > page size/u);
    }
  });
});
