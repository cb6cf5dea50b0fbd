import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { seededRandom } from '../support/random.ts';
import { inputOf } from './change.ts';
import { type Report, guardedRun } from './guarded-run.ts';
import { headline } from './job.ts';
import { targetNamed, targets } from './targets/index.ts';

// A taste of what `npm run fuzz` does for as long as one likes: the same inputs in every run.
const firstSeed = 1;
const inputsPerTarget = 400;

/** Readers that refuse nothing: they tell how far they got. */
const tolerant = new Set(['mariadb-scan']);

describe('readers of foreign bytes', () => {
  let report: Report = { findings: [], tallies: [] };

  before(async () => {
    const jobs = targets.map(({ name }) => ({
      target: name,
      firstSeed,
      count: inputsPerTarget,
    }));
    report = await guardedRun(jobs);
  });

  for (const { name, open } of targets) {
    it(`${name}: refuses or reads whatever comes, in bounded time and memory`, () => {
      const found = report.findings.filter(({ target }) => target === name);
      assert.deepEqual(found.map(headline), []);
      const tally = report.tallies.find(({ target }) => target === name);
      assert.equal(tally?.tried, inputsPerTarget, 'not all inputs were tried');
      // A harness that only makes rubbish, or nothing wrong, would test nothing.
      assert.ok(tally.accepted > 0, 'nothing was accepted');
      assert.ok(
        tolerant.has(name) || tally.refused > tally.tried / 8,
        'hardly anything was refused',
      );
    });

    it(`${name}: takes what the changes are made of`, async () => {
      const { samples, read, make } = await open();
      if (make) return;
      for (const sample of samples) {
        const tries = Array.from(
          { length: 24 },
          (_, seed) => () => read(sample, seededRandom(seed)),
        );
        assert.ok(tries.some(succeeds), `a sample of ${sample.length} bytes is refused`);
      }
    });
  }

  it('mends checksums where there are any, so that what is behind them is tried', () => {
    const mendable = ['xbstream', 'xbcrypt', 'lz4', 'zstd', 'qpress', 'mariadb-redo', 'mysql-redo'];
    for (const name of mendable) {
      const tally = report.tallies.find(({ target }) => target === name);
      assert.ok((tally?.acceptedMended ?? 0) > 0, name);
    }
  });
});

describe('the fuzzing harness', () => {
  const faults = {
    throw: /TypeError/,
    allocate: /a buffer of 1073741824 bytes for an input of/,
    busy: /ms of processor time/,
    hold: /bytes of buffers are held/,
    grow: /the process died/,
    hang: /no end within 3000 ms/,
    abort: /the process died: SIGABRT/,
    accept: /it was accepted/,
  };
  for (const [name, words] of Object.entries(faults)) {
    it(`finds a reader with the fault "${name}"`, async () => {
      const job = { target: `planted-${name}`, firstSeed };
      const asked = name === 'busy' ? { ...job, count: 1, cpuMsMax: 20 } : { ...job, count: 64 };
      const { findings } = await guardedRun([asked], {
        // Elsewhere a slow start must not pass for a hang.
        ...(name === 'hang' ? { silenceMs: 3000 } : {}),
        heapMiB: 48,
      });
      assert.match(findings[0]?.what ?? 'nothing found', words);
    });
  }

  it('names the seed of the input that killed the process', async () => {
    const job = { target: 'planted-late-abort', firstSeed, count: 1000 };
    const [finding] = (await guardedRun([job])).findings;
    assert.ok(finding && finding.seed > firstSeed);
    const reader = await targetNamed(job.target).open();
    assert.equal(inputOf(reader, finding.seed).bytes[0], 0xff);
  });
});

function succeeds(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}
