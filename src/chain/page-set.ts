/** Page numbers of one file, one bit each. Bits by arithmetic: the numbers are of 32 bits. */
export class PageSet {
  readonly #bits: Uint8Array;
  /** This page and all behind it are in the set. */
  readonly #from: number;

  /** `pages`: how many there are; those behind them are all in the set. */
  constructor(pages: number) {
    this.#bits = new Uint8Array(Math.ceil(pages / 8));
    this.#from = pages;
  }

  add(first: number, count: number): void {
    const end = Math.min(first + count, this.#from);
    for (let page = first; page < end; page += 1) {
      if (page % 8 === 0 && page + 8 <= end) {
        this.#bits[page / 8] = 255;
        page += 7;
      } else if (!this.has(page)) {
        const at = Math.floor(page / 8);
        this.#bits[at] = (this.#bits[at] as number) + 2 ** (page % 8);
      }
    }
  }

  has(page: number): boolean {
    if (page >= this.#from) return true;
    const byte = this.#bits[Math.floor(page / 8)] as number;
    return Math.floor(byte / 2 ** (page % 8)) % 2 === 1;
  }

  hasAll(first: number, count: number): boolean {
    const end = Math.min(first + count, this.#from);
    for (let page = first; page < end; page += 1) {
      if (page % 8 === 0 && page + 8 <= end && this.#bits[page / 8] === 255) page += 7;
      else if (!this.has(page)) return false;
    }
    return true;
  }
}
