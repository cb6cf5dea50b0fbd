import type { Random } from '../support/random.ts';

/** One input of a reader, and what is known of how it was made. */
export interface Input {
  bytes: Uint8Array;
  /** What it was made from, undefined for an input out of nothing. */
  sample: Uint8Array | undefined;
  /** What was done to it, one word a change. */
  changes: readonly string[];
  /** Checksums were made right again behind the changes: nobody's storage does that. */
  mended: boolean;
}

/** A reader under test, ready to read. Both functions must depend on nothing but their arguments. */
export interface Reader {
  samples: readonly Uint8Array[];
  /**
   * Reads all of `bytes`, in pieces as `random` wants, and gives what it found. It throws what
   * the reader throws: FormatError and the refusals of BackupError are right, anything else is not.
   */
  read: (bytes: Uint8Array, random: Random) => unknown;
  /** Why an input must not have been accepted, or undefined. `found` is what `read` gave. */
  objection?: (found: unknown, input: Input) => string | undefined;
  /** Changes that only this format knows; undefined when one does not apply. */
  changes?: Readonly<Record<string, Change>>;
  /** Makes inputs instead of the changed samples. */
  make?: (random: Random) => Input;
  /** Makes checksums right again, as far as they can be found. */
  mend?: (bytes: Uint8Array) => Uint8Array;
}

export type Change = (bytes: Uint8Array, random: Random) => Uint8Array | undefined;

export interface Target {
  name: string;
  open: () => Reader | Promise<Reader>;
}

/** Feeds bytes in pieces: all at once, byte by byte, or of any size. */
export function* pieces(bytes: Uint8Array, random: Random): Generator<Uint8Array> {
  const sizes = [bytes.length, 1 + random.below(8), 1 + random.below(4096)];
  // Byte by byte only what is short: that is slow and finds nothing more in what is long.
  const size = Math.max(1, bytes.length > 8192 ? bytes.length : random.pick(sizes));
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
