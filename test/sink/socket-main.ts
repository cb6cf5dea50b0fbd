// What a process does whose standard output is a socket; one word says which.

import { once } from 'node:events';
import { SocketSink } from '../../src/sink/socket-sink.ts';

const sink = new SocketSink('standard output', 1);
const say = (word: string): void => {
  process.stderr.write(`${word}\n`);
};
const told = async (): Promise<void> => {
  await once(process.stdin, 'data');
};
const reason = (error: unknown): string => (error instanceof Error ? error.message : 'no error');

const scenarios: Record<string, () => Promise<void>> = {
  async copy() {
    for (let i = 0; i < 50; i += 1) {
      await sink.write([new Uint8Array(100_000).fill(i), new Uint8Array(0), Uint8Array.of(255)]);
    }
    await sink.write([]);
    await sink.close();
  },
  async gone() {
    await sink.write([Uint8Array.of(1)]);
    await told();
    for (const step of [
      () => sink.write([new Uint8Array(100)]),
      () => sink.write([]),
      () => sink.close(),
    ]) {
      await step().then(
        () => say('fine'),
        (error: unknown) => say(reason(error)),
      );
    }
  },
  async lastWord() {
    const writing = sink.write([new Uint8Array(1_000_000)]);
    await sink.abort(new TextEncoder().encode('the end'));
    await writing;
  },
  async stalled() {
    const writing = sink.write([new Uint8Array(16 * 1024 * 1024)]);
    writing.then(
      () => say('written'),
      (error: unknown) => say(reason(error)),
    );
    await told();
    await sink.abort(Uint8Array.of(1));
    await writing.catch(() => undefined);
  },
};

await scenarios[process.argv[2] ?? '']?.();
process.stdin.destroy();
