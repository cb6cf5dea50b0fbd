import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { followRedo } from '../../src/backup/redo/follow-redo.ts';
import type { RedoEnd, RedoFollower } from '../../src/backup/redo/redo-follower.ts';
import type { FromRedoThread, ToRedoThread } from '../../src/backup/redo/redo-messages.ts';
import { RedoOrders } from '../../src/backup/redo/redo-orders.ts';
import type { BackupError } from '../../src/errors.ts';

/** A log that goes on by one at each turn, until it stands still. */
class FakeLog implements RedoFollower {
  readonly head = new Uint8Array(0);
  readonly startLsn = 100;
  readonly capacity = 1000;
  readonly headRoom = 1000;
  readonly notice = undefined;
  position = 100;
  heldAt: number | undefined;
  readonly #standsAt: number;
  readonly #onTurn: (position: number) => void;

  constructor(standsAt: number, onTurn: (position: number) => void) {
    this.#standsAt = standsAt;
    this.#onTurn = onTurn;
  }

  hold(): void {
    this.heldAt = this.position;
  }

  turn(stopLsn?: number): Promise<RedoEnd | undefined> {
    this.#onTurn(this.position);
    if (stopLsn === this.position) {
      return Promise.resolve({ checkpointLsn: 100, lastLsn: stopLsn });
    }
    if (this.position < this.#standsAt) this.position += 1;
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Orders by position, each given in the middle of the turn that begins there. */
function follow(
  standsAt: number,
  script: Record<number, ToRedoThread>,
): { log: FakeLog; posted: string[]; end: Promise<RedoEnd> } {
  let take: (message: ToRedoThread) => void = () => undefined;
  const posted: string[] = [];
  const port = {
    post: ({ kind }: FromRedoThread) => posted.push(kind),
    onMessage: (taker: typeof take) => (take = taker),
  };
  const log = new FakeLog(standsAt, (position) => {
    const order = script[position];
    if (order) take(order);
  });
  const orders = new RedoOrders(port, () => undefined);
  const end = followRedo(log, { port, orders, queue: { spilledBytes: 0 }, stuckMs: 50 });
  return { log, posted, end };
}

describe('the loop that follows a redo log', () => {
  it('holds back what it copies as soon as it is told to, and ends where it is told to', async () => {
    const finish = { kind: 'finish', lsn: 105 } as const;
    const { log, posted, end } = follow(200, { 102: { kind: 'hold' }, 104: finish });
    assert.deepEqual(await end, { checkpointLsn: 100, lastLsn: 105 });
    assert.equal(log.heldAt, 103);
    assert.deepEqual(posted, ['progress', 'held']);
  });

  it('fails with where it stands when it gets no nearer to its end', async () => {
    const { end } = follow(103, { 101: { kind: 'finish', lsn: 110 } });
    await assert.rejects(end, (error: BackupError) => {
      assert.equal(
        error.message,
        'the redo log was copied to LSN 103 and not on to 110 for 0.05 s',
      );
      assert.match(error.hint ?? '', /innodb_flush_log_at_timeout/u);
      return true;
    });
  });

  it('waits for as long as it likes for a server that writes nothing', async () => {
    const began = performance.now();
    let turns = 0;
    const { end } = follow(100, {
      get 100(): ToRedoThread {
        turns += 1;
        // Far beyond what it may stand still for at the end.
        const isLate = turns > 2 && performance.now() - began > 200;
        return isLate ? { kind: 'finish', lsn: 100 } : { kind: 'credit' };
      },
    });
    assert.deepEqual(await end, { checkpointLsn: 100, lastLsn: 100 });
  });
});
