import { shareJobs } from './share-jobs.ts';
import { type Thread, startThread } from './thread.ts';
import { unlessAborted } from './unless-aborted.ts';

type Answer<Result> = { kind: 'result'; result: Result };

interface Slot<Job, Result> {
  thread: Thread<Job>;
  /** Takes the result of the job that the thread is at. */
  answer: (result: Result) => void;
}

/** Threads that each take one job at a time and answer with one result. */
export class JobPool<Job, Result> {
  readonly #threads: Slot<Job, Result>[] = [];

  /** Starts `threads` threads of the worker module `name` beside `base`. */
  constructor(threads: number, base: string, name: string, data: unknown) {
    for (let i = 0; i < threads; i++) {
      const slot: Slot<Job, Result> = {
        answer: () => undefined,
        thread: startThread<Job, Answer<Result>>(base, name, data, ({ result }) => {
          slot.answer(result);
        }),
      };
      this.#threads.push(slot);
    }
  }

  /** Runs all jobs and stops the threads; the first failure fails all, and so does `signal`. */
  async run(jobs: Iterable<Job>, signal: AbortSignal): Promise<Result[]> {
    try {
      const done = shareJobs(this.#threads, jobs, async (slot, job) => {
        const answered = new Promise<Result>((resolve) => {
          slot.answer = resolve;
        });
        slot.thread.post(job);
        return await Promise.race([answered, slot.thread.failed]);
      });
      return await unlessAborted(done, signal);
    } finally {
      await Promise.all(this.#threads.map(({ thread }) => thread.stop()));
    }
  }
}
