import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { unlessAborted } from '../../src/worker/unless-aborted.ts';

const never = new Promise<never>(() => undefined);
const reason = new Error('stopped');

describe('a step that a signal may cut short', () => {
  it('comes to what it comes to, and leaves nothing at the signal', async () => {
    const { signal } = new AbortController();
    assert.equal(await unlessAborted(Promise.resolve(7), signal), 7);
    await assert.rejects(
      unlessAborted(Promise.reject(new Error('failed')), signal),
      /^Error: failed$/u,
    );
    await turn();
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });

  it('is not waited for after the signal, or when that came before', async () => {
    const controller = new AbortController();
    const waiting = unlessAborted(never, controller.signal);
    controller.abort(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(unlessAborted(never, controller.signal), reason);
  });
});
