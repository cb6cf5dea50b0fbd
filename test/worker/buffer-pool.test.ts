import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BufferPool } from '../../src/worker/buffer-pool.ts';

describe('a pool of buffers', () => {
  it('has who finds none wait for one, the first who came first', async () => {
    const pool = new BufferPool(1, 10);
    const only = await pool.take();
    assert.equal(only.length, 10);
    const order: string[] = [];
    const waiting = ['first', 'second'].map(async (name) => {
      const { buffer } = await pool.take();
      order.push(name);
      pool.back(buffer);
    });
    assert.deepEqual(order, []);
    pool.back(only.buffer);
    await Promise.all(waiting);
    assert.deepEqual(order, ['first', 'second']);
    assert.equal((await pool.take()).buffer, only.buffer);
  });

  it('fails who waits and who comes when the buffers will not come back', async () => {
    const pool = new BufferPool(1, 10);
    await pool.take();
    const waiting = [pool.take(), pool.take()];
    pool.fail(new Error('the thread is gone'));
    pool.fail(new Error('later'));
    for (const one of waiting) await assert.rejects(one, /the thread is gone/);
    await assert.rejects(pool.take(), /the thread is gone/);
  });
});
