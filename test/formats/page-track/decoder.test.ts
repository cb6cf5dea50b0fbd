import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  countPages,
  pageId,
  pageRuns,
  PageTrackDecoder,
  SparsePages,
} from '../../../formats/page-track/index.ts';
import { seededRandom } from '../../support/random.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import { drain, failureOf } from '../decoder-sweeps.ts';

const list = (...ids: (readonly [number, number])[]): Uint8Array =>
  Uint8Array.from(
    Buffer.concat(ids.map(([spaceId, pageNumber]) => pageId.encode({ spaceId, pageNumber }))),
  );

const decodeAll = (input: Uint8Array, step?: number): number[] =>
  drain(new PageTrackDecoder(), input, step).flatMap((ids) => [...ids]);

const numbers = (from: number, count: number): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, at) => [from, from + at] as const);

describe('decoder of a list of written pages', () => {
  it('is described by its specification', () => {
    const rows = specTable('formats/page-track/page-track.md', layoutTitles, 'page id');
    assert.deepEqual(layoutRows(pageId), rows);
  });

  it('reads what the server wrote', () => {
    const list = gunzipSync(readFileSync('formats/page-track/vectors/table.idx.gz'));
    const ids = decodeAll(list);
    assert.equal(ids.length, 2 * 228);
    const spaces = new Map<number, SparsePages>();
    for (let at = 0; at < ids.length; at += 2) {
      const [spaceId = 0, page = 0] = ids.slice(at, at + 2);
      const pages = spaces.get(spaceId) ?? new SparsePages();
      spaces.set(spaceId, pages);
      pages.add(page);
    }
    const counts = [...spaces.values()].map(({ segments }) => countPages(segments));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      227,
    );
    const runs = [...pageRuns(spaces.get(2)?.segments ?? new Map())];
    assert.deepEqual(
      runs.map(({ first, count }) => [first, count]),
      [
        [0, 37],
        [64, 29],
      ],
    );
  });

  it('takes a list of nothing', () => {
    assert.deepEqual(decodeAll(list()), []);
  });

  it('hands out the entries in their order, as often as they are there', () => {
    assert.deepEqual(decodeAll(list([7, 4], [2, 9], [7, 4])), [7, 4, 2, 9, 7, 4]);
  });

  it('says the same however the list comes', () => {
    const input = list(...numbers(3, 20_000));
    const whole = decodeAll(input);
    assert.equal(whole.length, 40_000);
    for (const step of [1, 3, 8, 4095, 65_537]) assert.deepEqual(decodeAll(input, step), whole);
  });

  it('tells a list that was cut inside an entry, and cannot tell one cut between two', () => {
    const input = list(...numbers(1, 40));
    for (let cut = 0; cut < input.length; cut += 1) {
      const part = input.subarray(0, cut);
      if (cut % 8 === 0) {
        assert.equal(decodeAll(part).length, cut / 4);
        continue;
      }
      const { kind, offset, field } = failureOf(() => decodeAll(part));
      assert.deepEqual([kind, offset], ['truncated', cut]);
      assert.equal(field, `page id > ${cut % 8 < 4 ? 'spaceId' : 'pageNumber'}`);
    }
  });

  it('refuses what names no space and no page, and says where', () => {
    const none = 0xffff_ffff;
    const refusal = (input: Uint8Array): string => failureOf(() => decodeAll(input, 5)).message;
    const space = 'page id > spaceId at byte 8: 4294967295 names nothing';
    assert.equal(refusal(list([1, 2], [none, 3])), space);
    assert.match(refusal(list([1, 2], [3, none])), /pageNumber at byte 12: /u);
    assert.deepEqual(decodeAll(list([none - 1, none - 1])), [none - 1, none - 1]);
  });

  it('stays broken after a failure', () => {
    const decoder = new PageTrackDecoder();
    decoder.push(new Uint8Array(8).fill(255));
    const first = failureOf(() => decoder.next());
    decoder.push(list([1, 2]));
    for (const work of [() => decoder.next(), () => decoder.end()]) {
      assert.equal(failureOf(work), first);
    }
  });

  it('gives as many entries as random bytes hold, or refuses them', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 2000; round += 1) {
      const noise = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
      if (noise.length % 8 === 0) assert.equal(decodeAll(noise).length, noise.length / 4);
      else failureOf(() => decodeAll(noise, 1 + random.below(9)));
    }
  });
});
