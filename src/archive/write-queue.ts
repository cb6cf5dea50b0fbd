interface Waiting {
  run: () => Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * One write at a time, urgent ones first, but in turns with the others: redo that
 * comes as fast as the sink takes it must not keep every file waiting. Its length
 * is bounded by its callers: all wait for their writes before they bring more. The
 * first failure is final: a broken archive is never followed by a good-looking chunk.
 */
export class WriteQueue {
  readonly #urgent: Waiting[] = [];
  readonly #normal: Waiting[] = [];
  #running = false;
  #wasUrgent = false;
  #broken: { error: unknown } | undefined;

  add(urgent: boolean, run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      (urgent ? this.#urgent : this.#normal).push({ run, resolve, reject });
      if (!this.#running) void this.#drain();
    });
  }

  /** Fails what waits and what comes. */
  break(error: unknown): void {
    this.#broken ??= { error };
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (;;) {
      const next = this.#next();
      if (!next) break;
      try {
        if (this.#broken) throw this.#broken.error;
        await next.run();
        next.resolve();
      } catch (error) {
        this.break(error);
        next.reject(error);
      }
    }
    this.#running = false;
  }

  #next(): Waiting | undefined {
    const isUrgent = this.#urgent.length > 0 && !(this.#wasUrgent && this.#normal.length > 0);
    this.#wasUrgent = isUrgent;
    return (isUrgent ? this.#urgent : this.#normal).shift();
  }
}
