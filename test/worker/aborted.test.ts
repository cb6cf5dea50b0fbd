import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aborted } from '../../src/worker/aborted.ts';

describe('a wait for a signal', () => {
  const reason = new Error('terminated');
  const soon = (): Promise<string> => Promise.resolve('nothing came');

  it('ends with its reason when it comes', async () => {
    const controller = new AbortController();
    const wait = aborted(controller.signal);
    assert.equal(await Promise.race([wait, soon()]), 'nothing came');
    controller.abort(reason);
    await assert.rejects(wait, reason);
  });

  it('is over when it came before', async () => {
    await assert.rejects(Promise.race([aborted(AbortSignal.abort(reason)), soon()]), reason);
  });
});
