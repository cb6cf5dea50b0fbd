import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WriteQueue } from '../../src/archive/write-queue.ts';

/** A write that lasts until `release` is called. */
function gate(): { run: () => Promise<void>; release: () => void } {
  let release = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { run: () => opened, release: () => release() };
}

/** Adds writes that note their names, behind one that holds the queue until `release`. */
function heldQueue(...names: string[]): {
  queue: WriteQueue;
  log: string[];
  ends: Promise<PromiseSettledResult<void>[]>;
  release: () => void;
} {
  const queue = new WriteQueue();
  const log: string[] = [];
  const { run, release } = gate();
  const writes = [
    queue.add(false, run),
    ...names.map((name) =>
      queue.add(name.startsWith('urgent'), () => {
        log.push(name);
        return Promise.resolve();
      }),
    ),
  ];
  return { queue, log, ends: Promise.allSettled(writes), release };
}

describe('WriteQueue', () => {
  it('runs one write at a time, in the order they came', async () => {
    const queue = new WriteQueue();
    let running = 0;
    const log: number[] = [];
    const writes = [1, 2, 3, 4, 5].map((i) =>
      queue.add(false, async () => {
        running += 1;
        assert.equal(running, 1);
        await Promise.resolve();
        log.push(i);
        running -= 1;
      }),
    );
    await Promise.all(writes);
    assert.deepEqual(log, [1, 2, 3, 4, 5]);
  });

  it('lets an urgent write go ahead of all that wait, not of the one that runs', async () => {
    const { log, ends, release } = heldQueue('a', 'b', 'urgent');
    release();
    await ends;
    assert.deepEqual(log, ['urgent', 'a', 'b']);
  });

  it('takes turns while urgent writes and others wait', async () => {
    const { log, ends, release } = heldQueue('a', 'b', 'urgent 1', 'urgent 2', 'urgent 3', 'c');
    release();
    await ends;
    assert.deepEqual(log, ['urgent 1', 'a', 'urgent 2', 'b', 'urgent 3', 'c']);
  });

  it('lets others have their turn while urgent writes never end', async () => {
    const queue = new WriteQueue();
    let urgent = 0;
    const redo = new AbortController();
    // Three wait while the fourth runs, as with the redo when the sink is no faster than the log.
    const backlog = Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 100 && !redo.signal.aborted; i += 1) {
        await queue.add(true, async () => {
          urgent += 1;
          await Promise.resolve();
        });
      }
    });
    await queue.add(false, () => Promise.resolve());
    redo.abort();
    assert.ok(urgent <= 2, `${urgent} urgent writes went before it`);
    await Promise.all(backlog);
  });

  it('takes new writes after it ran empty', async () => {
    const queue = new WriteQueue();
    await queue.add(false, () => Promise.resolve());
    let ran = false;
    await queue.add(false, () => {
      ran = true;
      return Promise.resolve();
    });
    assert.ok(ran);
  });

  it('fails all that wait and all that come with the first failure', async () => {
    const queue = new WriteQueue();
    const broken = new Error('disk full');
    let ran = 0;
    const good = (): Promise<void> => {
      ran += 1;
      return Promise.resolve();
    };
    const results = await Promise.allSettled([
      queue.add(false, () => Promise.reject(broken)),
      queue.add(false, good),
      queue.add(true, good),
    ]);
    assert.deepEqual(
      results.map((result) => result.status === 'rejected' && result.reason === broken),
      [true, true, true],
    );
    await assert.rejects(queue.add(true, good), broken);
    assert.equal(ran, 0);
  });

  it('lets the running write finish when it is broken from outside, and nothing after it', async () => {
    const { queue, log, ends, release } = heldQueue('a', 'urgent');
    queue.break(new Error('given up'));
    queue.break(new Error('too late to matter'));
    release();
    const [running, ...rest] = await ends;
    assert.equal(running?.status, 'fulfilled');
    for (const result of rest) {
      assert.match(String(result.status === 'rejected' && result.reason), /given up/);
    }
    assert.deepEqual(log, []);
  });
});
