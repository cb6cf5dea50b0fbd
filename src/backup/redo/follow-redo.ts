import { BackupError } from '../../errors.ts';
import type { ThreadPort } from '../../worker/thread.ts';
import type { RedoEnd, RedoFollower } from './redo-follower.ts';
import type { FromRedoThread, ToRedoThread } from './redo-messages.ts';
import type { RedoOrders } from './redo-orders.ts';

const pollMs = 100;
/** With less of the log's capacity left than this, it polls without a pause. */
const hurryBelow = 0.75;
const progressMs = 500;
/** Locks may be held until the end is reached: whatever keeps it away must not keep them. */
const stuckMsMax = 60_000;

/** What the loop works with, and how long it may get no nearer to its end. */
interface Following {
  port: ThreadPort<FromRedoThread, ToRedoThread>;
  orders: RedoOrders;
  queue: { readonly spilledBytes: number };
  stuckMs?: number;
}

/** Copies until told to finish and everything up to there is copied. */
export async function followRedo(
  follower: RedoFollower,
  { port, orders, queue, stuckMs = stuckMsMax }: Following,
): Promise<RedoEnd> {
  let reported = -Infinity;
  let moved = { position: follower.position, at: performance.now() };
  for (;;) {
    if (orders.takeHold()) {
      follower.hold?.();
      port.post({ kind: 'held' });
    }
    const { stopLsn } = orders;
    const end = await follower.turn(stopLsn);
    if (end) return end;
    const { position, capacity, headRoom } = follower;
    const now = performance.now();
    if (stopLsn === undefined || position !== moved.position) moved = { position, at: now };
    else if (now - moved.at > stuckMs) throw stuck(position, stopLsn, stuckMs);
    if (now - reported >= progressMs) {
      reported = now;
      const { spilledBytes } = queue;
      port.post({ kind: 'progress', position, capacity, headRoom, spilledBytes });
    }
    const hurry = stopLsn !== undefined || headRoom < capacity * hurryBelow;
    await orders.wait(hurry ? 1 : pollMs);
  }
}

function stuck(position: number, stopLsn: number, ms: number): BackupError {
  const message = `the redo log was copied to LSN ${position} and not on to ${stopLsn} for ${ms / 1000} s`;
  return new BackupError('failed', message, {
    where: { lsn: position },
    hint: 'the server has not made it durable: see innodb_flush_log_at_timeout, and its error log',
  });
}
