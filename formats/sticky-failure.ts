/** A reader that failed has lost its place: it fails the same way however often it is asked again. */
export class StickyFailure {
  #failure: unknown;

  /** Runs a step, or throws the failure of an earlier one. */
  run<T>(step: () => T): T {
    if (this.#failure !== undefined) throw this.#failure as Error;
    try {
      return step();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}
