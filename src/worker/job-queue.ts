/** The jobs of a thread, in the order in which they came. */
export class JobQueue<Job> {
  readonly #jobs: Job[] = [];
  #wake: () => void = () => undefined;

  push(job: Job): void {
    this.#jobs.push(job);
    this.#wake();
  }

  /** Waits for one where there is none; one taker at a time. */
  async next(): Promise<Job> {
    for (;;) {
      const job = this.#jobs.shift();
      if (job !== undefined) return job;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
