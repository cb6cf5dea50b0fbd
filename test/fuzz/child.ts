// A fuzzing process. It says on descriptor 3 what it is at before it is at it, so that whoever
// started it knows the input that hung or killed it.

import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { watchAllocations } from './allocation-watch.ts';
import { changed, inputOf } from './change.ts';
import { Coverage } from './coverage.ts';
import type { Finding, Job, Line, Tally } from './job.ts';
import { MemoryCap } from './memory-cap.ts';
import type { Input, Reader } from './target.ts';
import { targetNamed } from './targets/index.ts';
import { tryInput } from './try-input.ts';
import { seededRandom } from '../support/random.ts';

const channel = 3;
const findingsMax = 5;
const inputsPerCheck = 64;
const keptMax = 400;

const watch = watchAllocations();
const memory = new MemoryCap();

function tell(line: Line): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let done = 0; done < bytes.length;) done += writeSync(channel, bytes, done);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

class Run {
  readonly #job: Job;
  readonly #reader: Reader;
  readonly #coverage: Coverage | undefined;
  readonly #kept: Uint8Array[] = [];
  readonly #tally: Tally;
  #findings = 0;

  constructor(job: Job, reader: Reader, coverage: Coverage | undefined) {
    this.#job = job;
    this.#reader = reader;
    this.#coverage = coverage;
    const { target } = job;
    this.#tally = { target, tried: 0, accepted: 0, refused: 0, acceptedMended: 0, kept: 0 };
  }

  async all(): Promise<Tally> {
    const { firstSeed, count, untilMs = Infinity } = this.#job;
    const began = performance.now();
    for (let from = firstSeed; from < firstSeed + count; from += inputsPerCheck) {
      const to = Math.min(from + inputsPerCheck, firstSeed + count);
      let last: Input | undefined;
      for (let seed = from; seed < to; seed += 1) last = this.#one(seed);
      // What native code holds is let go of between two turns of the event loop only.
      await setImmediate();
      const overCap = memory.broken();
      if (overCap !== undefined && last) this.#tellFinding(to - 1, last, overCap);
      if (this.#findings >= findingsMax || performance.now() - began > untilMs) break;
    }
    return this.#tally;
  }

  #one(seed: number): Input {
    const { target, cpuMsMax } = this.#job;
    tell({ kind: 'at', target, seed });
    const input = this.#input(seed);
    if (input.sample === undefined && this.#coverage) {
      tell({ kind: 'at', target, seed, hex: hexOf(input.bytes) });
    }
    const { outcome, finding } = tryInput(this.#reader, input, { seed, watch, cpuMsMax });
    this.#tally.tried += 1;
    this.#tally[outcome] += 1;
    if (outcome === 'accepted' && input.mended) this.#tally.acceptedMended += 1;
    if (finding !== undefined) this.#tellFinding(seed, input, finding);
    this.#keepNews(input);
    return input;
  }

  #input(seed: number): Input {
    if (this.#kept.length === 0 || seed % 2 === 0) return inputOf(this.#reader, seed);
    const random = seededRandom(seed);
    // What it once was is not known any more, so only the rules for any input hold.
    return { ...changed(this.#reader, random.pick(this.#kept), random), sample: undefined };
  }

  #keepNews({ bytes }: Input): void {
    if (this.#coverage?.isNews() !== true || this.#kept.length >= keptMax) return;
    this.#kept.push(bytes);
    this.#tally.kept = this.#kept.length;
  }

  #tellFinding(seed: number, { bytes, changes, mended, sample }: Input, what: string): void {
    this.#findings += 1;
    const { target } = this.#job;
    const known = sample === undefined && this.#kept.length > 0 ? 0 : seed;
    const finding: Finding = {
      target,
      seed: known,
      what,
      changes,
      mended,
      hex: hexOf(bytes),
    };
    tell({ kind: 'finding', ...finding });
  }
}

for (const job of JSON.parse(process.argv[2] ?? '[]') as Job[]) {
  const reader = await targetNamed(job.target).open();
  const coverage = job.guided === true ? new Coverage() : undefined;
  tell({ kind: 'done', ...(await new Run(job, reader, coverage).all()) });
  coverage?.stop();
}
