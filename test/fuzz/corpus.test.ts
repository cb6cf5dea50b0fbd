import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { watchAllocations } from './allocation-watch.ts';
import { corpus } from './corpus.ts';
import { targetNamed } from './targets/index.ts';
import { tryInput } from './try-input.ts';

const feedings = 8;

describe('what fuzzing found', () => {
  const watch = watchAllocations();

  for (const { target, name, verdict, why, bytes } of corpus()) {
    it(`${target}/${name}: ${verdict}s ${why}`, async () => {
      const reader = await targetNamed(target).open();
      const input = { bytes, sample: undefined, changes: [], mended: false };
      for (let seed = 0; seed < feedings; seed += 1) {
        const { outcome, finding } = tryInput(reader, input, { seed, watch });
        assert.equal(finding, undefined);
        assert.equal(outcome, verdict === 'accept' ? 'accepted' : 'refused');
      }
    });
  }
});
