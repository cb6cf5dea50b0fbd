import { createHash } from 'node:crypto';

const numbersPerUpdate = 1024;

/** Tells whether two lists of page numbers are the same, without keeping them. */
export class PageListDigest {
  readonly #hash = createHash('sha256');
  readonly #numbers = new Uint32Array(numbersPerUpdate);
  #count = 0;

  add(pageNumber: number): void {
    this.#numbers[this.#count] = pageNumber;
    this.#count += 1;
    if (this.#count === numbersPerUpdate) this.#flush();
  }

  /** All of them came. */
  end(): string {
    this.#flush();
    return this.#hash.digest('base64');
  }

  #flush(): void {
    this.#hash.update(this.#numbers.subarray(0, this.#count));
    this.#count = 0;
  }
}
