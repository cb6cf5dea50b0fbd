import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';

interface Collector {
  gc?: (options: { type: 'minor' }) => void;
}

/** For the threads that are started after it: it gives them what `collectGarbage` calls. */
export function exposeCollector(): void {
  setFlagsFromString('--expose-gc');
}

/**
 * Frees the buffers of native codecs and ciphers that were dropped. V8 sees how small the objects
 * are that hold them, not what they hold, and would let hundreds of MiB wait for a collection.
 */
export async function collectGarbage(): Promise<void> {
  (globalThis as Collector).gc?.({ type: 'minor' });
  // What was allocated by others is given back to them between two turns of the event loop.
  await turn();
}
