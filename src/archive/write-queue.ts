interface Waiting {
  run: () => Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * One write at a time, urgent ones first. Its length is bounded by its callers:
 * each awaits its own write before it brings the next. The first failure is
 * final: a broken archive is never followed by a good-looking chunk.
 */
export class WriteQueue {
  readonly #urgent: Waiting[] = [];
  readonly #normal: Waiting[] = [];
  #running = false;
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
      const next = this.#urgent.shift() ?? this.#normal.shift();
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
}
