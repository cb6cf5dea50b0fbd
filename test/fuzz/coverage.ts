import { type Profiler, Session } from 'node:inspector';

/** The code under test, as parts of a script's address. */
const watched = /\/(formats|src)\/(?!.*layout\.js)/;

/**
 * Tells whether the code under test ran in a way in which it never ran before: a function with
 * another set of its blocks. V8 counts anyway when it is asked to; a look takes half a
 * millisecond, which is little enough to look behind every input.
 */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    const precise = { callCount: false, detailed: true };
    this.#session.post('Profiler.startPreciseCoverage', precise);
    this.isNews();
  }

  /** Since the last look. */
  isNews(): boolean {
    const before = this.#seen.size;
    for (const { url, functions } of this.#take()) {
      if (!watched.test(url)) continue;
      for (const { ranges } of functions) this.#seen.add(url + shapeOf(ranges));
    }
    return this.#seen.size > before;
  }

  stop(): void {
    this.#session.disconnect();
  }

  #take(): Profiler.ScriptCoverage[] {
    const taken: Profiler.ScriptCoverage[] = [];
    // On the session of one's own thread the answer is there before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      taken.push(...result);
    });
    return taken;
  }
}

function shapeOf(ranges: readonly Profiler.CoverageRange[]): string {
  return ranges
    .map(
      ({ startOffset, endOffset, count }) => ` ${startOffset}-${endOffset}${count > 0 ? '+' : '-'}`,
    )
    .join('');
}
