import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteQueue } from '../../formats/byte-queue.ts';

function queueOf(...pieces: number[][]): ByteQueue {
  const queue = new ByteQueue();
  for (const piece of pieces) queue.push(Uint8Array.from(piece));
  return queue;
}

describe('ByteQueue', () => {
  it('gives views of a piece, and copies only across pieces', () => {
    const queue = new ByteQueue();
    const piece = Uint8Array.of(1, 2, 3);
    queue.push(piece);
    queue.push(Uint8Array.of(4));
    assert.equal(queue.peek(2).buffer, piece.buffer);
    assert.equal(queue.take(2).buffer, piece.buffer);
    assert.deepEqual([...queue.take(2)], [3, 4]);
    assert.equal(queue.available, 0);
  });

  it('takes some bytes up to the end of a piece', () => {
    const queue = queueOf([1, 2, 3], [], [4, 5]);
    assert.deepEqual([...queue.takeSome(2)], [1, 2]);
    assert.deepEqual([...queue.takeSome(9)], [3]);
    assert.deepEqual([...queue.takeSome(9)], [4, 5]);
    assert.equal(queue.takeSome(9).length, 0);
    assert.equal(queue.position, 5);
  });

  it('peeks across pieces without taking', () => {
    const queue = queueOf([1, 2], [3], [4, 5]);
    queue.take(1);
    assert.deepEqual([...queue.peek(3)], [2, 3, 4]);
    assert.equal(queue.available, 4);
    assert.equal(queue.position, 1);
    assert.throws(() => queue.peek(5), RangeError);
  });

  it('holds nothing of what was pushed once it owns the rest', () => {
    const queue = new ByteQueue();
    const pieces = [Buffer.of(1, 2, 3), Uint8Array.of(4, 5), Uint8Array.of(6)];
    for (const piece of pieces.slice(0, 2)) queue.push(piece);
    queue.take(1);
    for (let times = 0; times < 2; times += 1) queue.own();
    queue.push(pieces[2] ?? assert.fail());
    queue.take(3);
    queue.own();
    for (const piece of pieces) piece.fill(0);
    assert.deepEqual([...queue.take(2)], [5, 6]);
    assert.equal(queue.position, 6);
    // Emptied, it starts anew.
    const last = Uint8Array.of(7, 8);
    queue.push(last);
    queue.own();
    last.fill(0);
    assert.deepEqual([...queue.take(2)], [7, 8]);
  });

  it('owns each byte once, however many pieces there are', () => {
    const queue = new ByteQueue();
    let taken = 0;
    for (let index = 0; index < 3000; index += 1) {
      const piece = Uint8Array.of(index % 251);
      queue.push(piece);
      queue.own();
      piece.fill(255);
      if (index % 2 === 1) assert.deepEqual([...queue.take(1)], [taken++ % 251]);
    }
    assert.equal(queue.available, 1500);
    while (taken < 3000) assert.deepEqual([...queue.take(1)], [taken++ % 251]);
  });

  it('keeps its order over thousands of tiny pieces', () => {
    const queue = new ByteQueue();
    for (let index = 0; index < 5000; index += 1) queue.push(Uint8Array.of(index % 251));
    for (let index = 0; index < 5000; index += 3) {
      const count = Math.min(3, 5000 - index);
      const expected = Array.from({ length: count }, (_, step) => (index + step) % 251);
      assert.deepEqual([...queue.take(count)], expected);
    }
    assert.equal(queue.position, 5000);
  });
});
