import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError } from '../errors.ts';

export interface RetryPolicy {
  /** Tries after the first one. */
  retriesMax: number;
  /** Longest pause between two tries, milliseconds. */
  backoffMsMax: number;
  /** Hears of every failure that is tried again, and when. */
  onRetry: (failure: BackupError, pauseMs: number) => void;
}

const firstPauseMs = 500;

/** A failure, and whether another try may do better. */
export interface Judged {
  error: BackupError;
  isWorthAnother: boolean;
}

/**
 * Runs `step` until it does not fail in a way that is worth another try. Each pause is random
 * below a limit that doubles, so that clients that failed together do not come back together.
 */
export async function retried<T>(
  step: () => Promise<T>,
  judge: (thrown: unknown) => Judged,
  { retriesMax, backoffMsMax, onRetry }: RetryPolicy,
  signal?: AbortSignal,
): Promise<T> {
  for (let retry = 0; ; retry++) {
    signal?.throwIfAborted();
    try {
      return await step();
    } catch (thrown) {
      signal?.throwIfAborted();
      const { error, isWorthAnother } = judge(thrown);
      if (!isWorthAnother) throw error;
      if (retry >= retriesMax) throw givenUp(error, retry + 1);
      const pauseMs = Math.ceil(
        Math.min(backoffMsMax, firstPauseMs * 2 ** retry) * (0.5 + Math.random() / 2),
      );
      onRetry(error, pauseMs);
      await sleep(pauseMs, undefined, signal ? { signal } : {}).catch(() => {
        signal?.throwIfAborted();
      });
    }
  }
}

function givenUp(error: BackupError, tries: number): BackupError {
  if (tries === 1) return error;
  const { code, message, hint, where, cause } = error;
  return new BackupError(code, `${message} (tried ${tries} times)`, {
    ...(hint === undefined ? {} : { hint }),
    where,
    cause,
  });
}
