import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PageSet } from '../../src/chain/page-set.ts';
import { seededRandom } from '../support/random.ts';

describe('a page set', () => {
  it('has what was added, and everything behind the end of the file', () => {
    const random = seededRandom(1);
    for (let turn = 0; turn < 200; turn += 1) {
      const pages = random.below(100);
      const set = new PageSet(pages);
      const model = new Set<number>();
      for (let run = 0; run < 5; run += 1) {
        const [first, count] = [random.below(100), random.below(40)];
        set.add(first, count);
        for (let page = first; page < first + count; page += 1) model.add(page);
      }
      const has = (page: number): boolean => page >= pages || model.has(page);
      for (let page = 0; page < 150; page += 1) assert.equal(set.has(page), has(page));
      for (let query = 0; query < 20; query += 1) {
        const [first, count] = [random.below(110), random.below(20)];
        const wanted = Array.from({ length: count }, (_, i) => first + i).every(has);
        assert.equal(set.hasAll(first, count), wanted);
      }
    }
  });
});
