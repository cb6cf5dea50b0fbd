// The embedded store in a process of its own, which answers over the channel of `fork`.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { guard, killHard, unguard } from '../scratch.ts';
import type { S3Limits } from './limits.ts';
import type { StoreAnswers } from './s3-place.ts';
import type { StoreAnswer, StoreQuestion, StoreReady } from './store-main.ts';

/** Starts it on `folder`, which must be a scratch folder; it ends with this process. */
export async function startStoreProcess(
  folder: string,
  limits: Partial<S3Limits>,
): Promise<StoreAnswers> {
  const main = fileURLToPath(new URL('./store-main.js', import.meta.url));
  const child = fork(main, [folder, JSON.stringify(limits)], { execArgv: [] });
  const { pid } = child;
  if (pid === undefined) throw new Error('cannot start the store');
  guard(pid);
  child.once('exit', () => {
    unguard(pid);
  });
  const ended = once(child, 'exit');
  const ready = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  if (ready === undefined) throw new Error('the store ended before it was ready');
  const { endpoint, bucket } = ready[0] as StoreReady;
  const waiting: ((value: unknown) => void)[] = [];
  // Questions are answered in their order.
  child.on('message', ({ value }: StoreAnswer) => waiting.shift()?.(value));
  const ask = async <T>(ask: StoreQuestion['ask'], prefix = ''): Promise<T> =>
    await Promise.race([
      new Promise<T>((resolve) => {
        waiting.push(resolve as (value: unknown) => void);
        child.send({ ask, prefix } satisfies StoreQuestion);
      }),
      ended.then(() => {
        throw new Error('the store has ended');
      }),
    ]);
  return {
    endpoint,
    bucket,
    keys: async (prefix) => await ask('keys', prefix),
    openUploads: async (prefix) => await ask('openUploads', prefix),
    requestCounts: async () => await ask('requestCounts'),
    resetCounts: async () => {
      await ask('resetCounts');
    },
    stop: async () => {
      killHard(pid);
      await ended;
    },
  };
}
