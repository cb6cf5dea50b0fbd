type Step = () => Promise<void> | void;

/** What must be undone on every way out: locks, then the rest, newest first. */
export class CleanUp {
  readonly #steps: Step[] = [];
  readonly #first: Step[] = [];

  add(step: Step): void {
    this.#steps.push(step);
  }

  /** Before all others, which may have to wait for what hangs. */
  addFirst(step: Step): void {
    this.#first.push(step);
  }

  /** Runs every step, also when one fails; throws what failed first. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of [...this.#first.splice(0), ...this.#steps.splice(0).toReversed()]) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
