import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { consoleReporter, formatBytes } from '../../src/cli/console-reporter.ts';
import type { Reporter } from '../../src/reporter.ts';

const halfway = {
  bytes: 512 * 1024,
  totalBytes: 1024 * 1024,
  redoHeadRoom: { bytes: 3, capacity: 4, spilledBytes: 2048 },
};

/** What a reporter writes on a terminal so many columns wide, or elsewhere (0). */
function written(
  columns: number,
  options: { json: boolean; quiet: boolean },
  use: (r: Reporter) => void,
): string {
  const saved = (['isTTY', 'columns'] as const).map(
    (name) => [name, Object.getOwnPropertyDescriptor(process.stderr, name)] as const,
  );
  Object.defineProperty(process.stderr, 'isTTY', { value: columns > 0, configurable: true });
  Object.defineProperty(process.stderr, 'columns', { value: columns, configurable: true });
  const pieces: string[] = [];
  const write = mock.method(process.stderr, 'write', (text: string) => pieces.push(text) > 0);
  try {
    use(consoleReporter(options));
  } finally {
    write.mock.restore();
    for (const [name, descriptor] of saved) {
      if (descriptor) Object.defineProperty(process.stderr, name, descriptor);
      else Reflect.deleteProperty(process.stderr, name);
    }
  }
  return pieces.join('');
}

describe('consoleReporter', () => {
  // The clock stands still: ten seconds after the reporter was made.
  beforeEach(() => {
    let calls = 0;
    mock.method(performance, 'now', () => (calls++ === 0 ? 0 : 10_000));
  });
  afterEach(() => {
    mock.restoreAll();
  });

  it('shows bytes, percent, rate, time left and redo head-room on a terminal', () => {
    const text = written(200, { json: false, quiet: false }, (reporter) => {
      reporter.progress(halfway);
    });
    assert.equal(
      text,
      '\r\x1b[K512.0 KiB of 1.00 MiB, 50 %, 51.2 KiB/s, 10 s left, ' +
        'redo head-room 75 %, 2.00 KiB of redo spooled',
    );
  });

  it('leaves out what is not known', () => {
    const text = written(200, { json: false, quiet: false }, (reporter) => {
      reporter.progress({ bytes: 2048 });
    });
    assert.equal(text, '\r\x1b[K2.00 KiB, 205 B/s');
  });

  it('keeps the progress on one line of the terminal, below what happened', () => {
    const text = written(21, { json: false, quiet: false }, (reporter) => {
      reporter.progress(halfway);
      reporter.warn('careful');
    });
    const [line, warning, again] = text
      .split('\r\x1b[K')
      .flatMap((piece) => piece.split('\n'))
      .slice(1);
    assert.equal(line, '512.0 KiB of 1.00 Mi');
    assert.match(warning ?? '', / WARNING: careful$/u);
    assert.equal(again, line);
  });

  it('shows no progress with --quiet, on a terminal or not', () => {
    for (const columns of [0, 80]) {
      const text = written(columns, { json: false, quiet: true }, (reporter) => {
        reporter.progress(halfway);
        reporter.info('done');
      });
      assert.match(text, /^\S+ done\n$/u);
    }
  });

  it('says the progress once when it comes in a rush', () => {
    for (const json of [true, false]) {
      const text = written(80, { json, quiet: false }, (reporter) => {
        // From here on the clock stands.
        performance.now();
        for (let i = 0; i < 1000; i++) reporter.progress(halfway);
      });
      assert.equal(text.match(/512\.0 KiB|"progress"/gu)?.length, 1);
    }
    const quiet = written(80, { json: true, quiet: true }, (reporter) => {
      reporter.progress(halfway);
    });
    assert.equal(quiet, '');
  });

  it('writes JSON to a terminal too when told to', () => {
    const text = written(80, { json: true, quiet: false }, (reporter) => {
      reporter.progress(halfway);
      reporter.info('line\nbreak');
    });
    const [progress, info] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(progress, { type: 'progress', time: progress?.['time'], ...halfway });
    assert.equal(info?.['message'], 'line\nbreak');
  });
});

describe('formatBytes', () => {
  it('takes the unit that leaves a number of few digits', () => {
    for (const [bytes, text] of [
      [0, '0 B'],
      [1023, '1023 B'],
      [1024, '1.00 KiB'],
      [10 * 1024, '10.0 KiB'],
      [3.5 * 1024 ** 3, '3.50 GiB'],
      [5000 * 1024 ** 4, '5000.0 TiB'],
    ] as const) {
      assert.equal(formatBytes(bytes), text);
    }
  });
});
