import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'minor' }) => void;

let collect: Collect | undefined;

/**
 * Frees the buffers of sockets, native codecs and ciphers that were dropped. V8 sees how small the
 * objects are that hold them, not what they hold: it would let hundreds of MiB wait for a
 * collection, and then mark all there is.
 */
export async function collectGarbage(): Promise<void> {
  collect ??= findCollector();
  collect({ type: 'minor' });
  // What was allocated by others is given back to them between two turns of the event loop.
  await turn();
}

function findCollector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
