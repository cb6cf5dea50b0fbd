import { CapturedRecords } from '../archive/captured-records.ts';
import { BackupError } from '../errors.ts';
import { plainPath } from '../transform/member-decoder.ts';

const wildcards: Record<string, string> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
};

/**
 * Which members are asked for, by the names of the files they are in the end: `shop/t.ibd` is
 * `shop/t.ibd.zst.xbcrypt` as well. `*` and `?` stand for anything but a slash, `**` for anything.
 * The records of an archive go by no pattern.
 */
export class NamePatterns {
  readonly #patterns: { glob: string; regExp: RegExp; matched: boolean }[];

  constructor(globs: readonly string[]) {
    this.#patterns = globs.map((glob) => ({ glob, regExp: toRegExp(glob), matched: false }));
  }

  /** Notes what matches, for `requireMatch`. */
  match(path: string): boolean {
    if (CapturedRecords.wants(path)) return false;
    const name = plainPath(path);
    const matching = this.#patterns.filter(({ regExp }) => regExp.test(name));
    for (const pattern of matching) pattern.matched = true;
    return matching.length > 0;
  }

  /** Patterns that nothing was found for so far. */
  get missed(): string[] {
    return this.#patterns.filter(({ matched }) => !matched).map(({ glob }) => glob);
  }

  /** @throws BackupError usage when nothing was found for any of them. */
  requireMatch(): void {
    if (this.missed.length < this.#patterns.length) return;
    throw new BackupError('usage', `no file of the archive matches ${this.missed.join(' or ')}`, {
      hint: 'names are as in the data directory: shop/orders.ibd, shop/*, ** for all of them',
    });
  }
}

function toRegExp(glob: string): RegExp {
  const source = glob
    .replace(/^(\.\/+)+/, '')
    .replaceAll(/\*\*\/|\*\*|[\\^$.*+?()[\]{}|/]/g, (part) => wildcards[part] ?? `\\${part}`);
  return new RegExp(`^${source}$`, 'su');
}
