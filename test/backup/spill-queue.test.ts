import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { SpillQueue } from '../../src/backup/spill-queue.ts';
import type { BackupError } from '../../src/errors.ts';
import { seededRandom } from '../support/random.ts';
import { scratchDir } from '../support/scratch.ts';

const chunk = (length: number, fill: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(length).fill(fill);

/** Everything that waits, as text: each chunk by its fill. */
const drain = (queue: SpillQueue): string => {
  let text = '';
  for (let next = queue.shift(); next; next = queue.shift()) {
    assert.ok(next.every((byte) => byte === next[0]));
    text += `${next[0] ?? '-'}*${next.length} `;
  }
  return text.trim();
};

describe('the queue of redo', () => {
  it('keeps what fits in memory and touches no file', () => {
    const queue = new SpillQueue('/nowhere', 100);
    for (let i = 1; i <= 4; i++) queue.push(chunk(25, i));
    assert.equal(queue.spilledBytes, 0);
    assert.equal(drain(queue), '1*25 2*25 3*25 4*25');
    assert.equal(queue.shift(), undefined);
  });

  it('spills what does not fit, keeps the order, and goes back to memory when it is empty', () => {
    const queue = new SpillQueue(scratchDir('spool'), 100);
    for (let i = 1; i <= 6; i++) queue.push(chunk(40, i));
    assert.equal(queue.spilledBytes, 160);
    assert.equal(queue.shift()?.[0], 1);
    // There is room in memory again, but older chunks wait in the file.
    queue.push(chunk(10, 7));
    assert.equal(queue.spilledBytes, 170);
    assert.equal(drain(queue), '2*40 3*40 4*40 5*40 6*40 7*10');
    assert.equal(queue.spilledBytes, 0);
    queue.push(chunk(10, 8));
    assert.equal(queue.spilledBytes, 0);
    queue.push(chunk(95, 9));
    assert.equal(queue.spilledBytes, 95);
    assert.equal(drain(queue), '8*10 9*95');
    queue.close();
  });

  it('gives back any sequence of chunks as it came', () => {
    const random = seededRandom(7);
    const queue = new SpillQueue(scratchDir('spool'), 3000);
    const expected: number[] = [];
    let spilled = 0;
    for (let i = 0; i < 3000; i++) {
      if (random.below(10) < 5 + (i % 200 < 100 ? 3 : -3)) {
        const length = 1 + random.below(900);
        queue.push(chunk(length, i % 251));
        expected.push(length, i % 251);
      } else {
        const next = queue.shift();
        assert.deepEqual([next?.length, next?.[0]], [expected.shift(), expected.shift()]);
      }
      spilled = Math.max(spilled, queue.spilledBytes);
    }
    assert.ok(spilled > 10_000, 'nothing was spilled');
    queue.close();
  });

  it('leaves no name in the directory, so that nothing outlives the process', () => {
    const directory = scratchDir('spool');
    const queue = new SpillQueue(directory, 10);
    queue.push(chunk(100, 1));
    assert.equal(queue.spilledBytes, 100);
    assert.deepEqual(readdirSync(directory), []);
    queue.close();
  });

  it('fails as storage, naming the directory, when the file cannot be made', () => {
    const directory = join(scratchDir('spool'), 'gone');
    const queue = new SpillQueue(directory, 10);
    assert.throws(
      () => {
        queue.push(chunk(100, 1));
      },
      (error: BackupError) => {
        assert.equal(error.code, 'storage');
        assert.match(error.message, /gone \(redo spool\): no such file or directory \(ENOENT/);
        return true;
      },
    );
  });
});
