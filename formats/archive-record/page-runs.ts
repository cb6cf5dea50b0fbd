import { FormatError } from '../format-error.ts';

/** Pages that follow one another: the number of the first, and how many. */
export interface PageRun {
  first: number;
  count: number;
}

const radix = 36;
/** Page numbers are unsigned 32-bit numbers. */
const pagesMax = 2 ** 32;

/**
 * Page numbers in ascending order as text: runs separated by blanks, each the pages that lie
 * between it and the one before, and, where it has more than one page, `+` and how many more, in
 * base 36. Undefined when it would be longer than `charactersMax`.
 */
export class PageRunsEncoder {
  readonly #charactersMax: number;
  readonly #texts: string[] = [];
  #characters = 0;
  #run: PageRun | undefined;
  #end = 0;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  add(pageNumber: number): void {
    if (this.#run && pageNumber === this.#run.first + this.#run.count) {
      this.#run.count += 1;
      return;
    }
    this.#finishRun();
    this.#run = { first: pageNumber, count: 1 };
  }

  end(): string | undefined {
    this.#finishRun();
    return this.#characters > this.#charactersMax ? undefined : this.#texts.join(' ');
  }

  #finishRun(): void {
    if (!this.#run || this.#characters > this.#charactersMax) return;
    const { first, count } = this.#run;
    const gap = (first - this.#end).toString(radix);
    const text = count === 1 ? gap : `${gap}+${(count - 1).toString(radix)}`;
    this.#characters += text.length + 1;
    this.#texts.push(text);
    this.#end = first + count;
  }
}

/** @throws FormatError invalid at the character that is wrong. */
export function* decodePageRuns(text: string, field: string): Generator<PageRun> {
  const word = /([0-9a-z]+)(?:\+([0-9a-z]+))?( |$)/y;
  let end = 0;
  while (word.lastIndex < text.length) {
    const at = word.lastIndex;
    const [, gap = '', more, after] = word.exec(text) ?? [];
    const first = end + Number.parseInt(gap, radix);
    const count = more === undefined ? 1 : 1 + Number.parseInt(more, radix);
    end = first + count;
    // What does not match is NaN here; a blank must have a run behind it.
    if (!(end <= pagesMax) || (after === ' ' && word.lastIndex === text.length)) {
      throw new FormatError('invalid', field, at, 'page numbers wanted');
    }
    yield { first, count };
  }
}
