/** What the tests do to every decoder that is fed in pieces. */

import assert from 'node:assert/strict';
import { FormatError } from '../../formats/format-error.ts';

interface PieceDecoder<T> {
  push(bytes: Uint8Array): void;
  next(): T | undefined;
  end(): void;
}

/** The FormatError that it ends in; nothing else will do. */
export function failureOf(work: () => unknown): FormatError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return error;
  }
  return assert.fail('nothing failed');
}

/** All that comes out of input given in pieces of `step` bytes, to its end. */
export function drain<T>(
  decoder: PieceDecoder<T>,
  input: Uint8Array,
  step: number = Math.max(1, input.length),
): T[] {
  const out: T[] = [];
  for (let at = 0; at < input.length; at += step) {
    decoder.push(input.subarray(at, at + step));
    for (let one = decoder.next(); one !== undefined; one = decoder.next()) out.push(one);
  }
  decoder.end();
  return out;
}

/**
 * Cuts the input off at every `stride` bytes and around the borders: each time it must be told that
 * it ends too early, and where.
 */
export function assertTellsCuts(
  input: Uint8Array,
  { borders, stride }: { borders: readonly number[]; stride: number },
  decode: (input: Uint8Array) => unknown,
): void {
  const edges = [...borders, input.length];
  const near = (cut: number): boolean => edges.some((edge) => Math.abs(edge - cut) < 40);
  for (let cut = 0; cut < input.length; cut += 1) {
    if (cut % stride !== 0 && !near(cut)) continue;
    const { kind, offset } = failureOf(() => decode(input.subarray(0, cut)));
    assert.deepEqual([kind, offset], ['truncated', cut]);
  }
}

/** Calls `look` with one bit of the input flipped at a time, and which byte it is in. */
export function flipEveryBit(input: Uint8Array, look: (at: number) => void): void {
  for (let bit = 0; bit < input.length * 8; bit += 1) {
    const at = bit >> 3;
    const mask = 1 << (bit & 7);
    input[at] = (input[at] ?? 0) ^ mask;
    look(at);
    input[at] = (input[at] ?? 0) ^ mask;
  }
}

/** After a failure, which 100 zeros are, it says the same for ever, whatever comes. */
export function assertStaysBroken(decoder: PieceDecoder<unknown>, good: Uint8Array): void {
  decoder.push(new Uint8Array(100));
  const first = failureOf(() => decoder.next());
  decoder.push(good);
  for (const work of [() => decoder.next(), () => decoder.end()]) {
    assert.equal(failureOf(work), first);
  }
}
