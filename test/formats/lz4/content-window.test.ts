import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ContentWindow } from '../../../formats/lz4/content-window.ts';
import { seededRandom } from '../../support/random.ts';

const size = 64 * 1024;

// The lz4 program writes no frame that needs all of this: small linked blocks of its refer
// to the block before them only.
describe('content window', () => {
  it('holds the last 64 KiB of pieces of any length', () => {
    const random = seededRandom(1);
    const window = new ContentWindow();
    let all = new Uint8Array(0);
    for (let count = 0; count < 400; count += 1) {
      const length = random.pick([0, 1, random.below(5000), random.below(70_000), size, size + 1]);
      const piece = Uint8Array.from({ length }, () => random.below(256));
      window.add(piece);
      all = new Uint8Array(Buffer.concat([all, piece])).slice(-size);
      assert.ok(Buffer.from(window.last()).equals(all), `piece ${count} of ${length} bytes`);
    }
  });

  it('holds nothing before the first piece and when it was cleared', () => {
    const window = new ContentWindow();
    assert.equal(window.last().length, 0);
    window.add(new Uint8Array(100_000).fill(1));
    window.clear();
    assert.equal(window.last().length, 0);
    window.add(new Uint8Array([2]));
    assert.deepEqual(window.last(), new Uint8Array([2]));
  });
});
