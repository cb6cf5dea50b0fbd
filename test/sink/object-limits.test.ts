import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

const chunkBytes = 10 * 1024 * 1024;
/** Enough for what a program gathers around itself whatever it does. */
const fewChunks = 400;

interface Outcome {
  keys: string[];
  /** Parts of 5 MiB that the archive has. */
  parts: number;
  restored: number;
  peakKib: number;
}

async function throughLimits(chunks: number): Promise<Outcome> {
  const main = join(import.meta.dirname, 'object-limits-main.js');
  const { stdout } = await promisify(execFile)(process.execPath, [main, String(chunks)]);
  return JSON.parse(stdout) as Outcome;
}

describe('an archive of more parts than an object can have', () => {
  it('goes on in a next object and comes back from both, in no more memory than a small one', async () => {
    const small = await throughLimits(fewChunks);
    assert.deepEqual(small.keys, ['archive.xbs']);
    assert.equal(small.restored, fewChunks * chunkBytes);

    const large = await throughLimits(5010);
    assert.ok(large.parts > 10_000, `${large.parts} parts`);
    assert.deepEqual(large.keys, ['archive.xbs', 'archive.0002.xbs']);
    assert.equal(large.restored, 5010 * chunkBytes);

    const limit = Math.min(small.peakKib * 1.25, 256 * 1024);
    assert.ok(large.peakKib < limit, `${large.peakKib} KiB, ${small.peakKib} KiB for a small one`);
  });
});
