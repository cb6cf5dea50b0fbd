import type { Reader, Target } from '../target.ts';

/** Readers with a fault each, to see that the harness finds it. */
const faults: Readonly<Record<string, Reader['read']>> = {
  throw: () => (undefined as unknown as { length: number }).length,
  allocate: () => new Uint8Array(1024 * 1024 * 1024).length,
  busy: () => {
    let sum = 0;
    for (let at = 0; at < 60_000_000; at += 1) sum += at % 7;
    return sum;
  },
  hold: () => held.push(new Uint8Array(7 * 1024 * 1024).fill(1)),
  grow: () => {
    for (;;) texts.push(Array.from({ length: 1000 }, (_, at) => `${texts.length} ${at}`));
  },
  hang: () => {
    for (;;) held.length = 0;
  },
  abort: () => process.abort(),
  'late-abort': (bytes) => (bytes[0] === 0xff ? process.abort() : 0),
  accept: () => 0,
};
const held: Uint8Array[] = [];
const texts: string[][] = [];

export const planted: readonly Target[] = Object.entries(faults).map(([name, read]) => ({
  name: `planted-${name}`,
  open: () => ({
    samples: [Uint8Array.of(1, 2, 3)],
    read,
    objection: () => (name === 'accept' ? 'it was accepted' : undefined),
  }),
}));
