import { type Random, seededRandom } from '../support/random.ts';
import type { Change, Input, Reader } from './target.ts';

// What storage, transport and attackers do to bytes. Each change is small; an input has a few.

/** Lengths and counts that readers stumble over. */
const numbers = [
  0n,
  1n,
  -1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const spanMax = 256;

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A range of the bytes, mostly short. */
function range(bytes: Uint8Array, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  const span = random.below(4) === 0 ? bytes.length : spanMax;
  return [from, from + random.below(1 + Math.min(span, bytes.length - from))];
}

/** A number of 1, 2, 4 or 8 bytes, of either order, over what is there. */
function withNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const size = random.pick([1, 2, 4, 4, 8, 8]);
  const value = random.pick(numbers) + BigInt(random.pick([0, 0, 0, 1, -1]));
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(BigInt.asUintN(64, value));
  const number = field.subarray(0, size);
  if (random.below(2) === 0) number.reverse();
  const copy = Uint8Array.from(bytes);
  copy.set(number.subarray(0, bytes.length), random.below(Math.max(1, bytes.length - size + 1)));
  return copy;
}

/** Digits of a text become another number. */
const withDecimal: Change = (bytes, random) => {
  const text = Buffer.from(bytes).toString('latin1');
  const found = [...text.slice(0, 65_536).matchAll(/\d+/g)];
  if (found.length === 0) return undefined;
  const match = random.pick(found);
  const value = random.pick([
    String(random.pick(numbers)),
    '1e400',
    '9'.repeat(400),
    '0x10',
    '',
    '-0',
  ]);
  const end = match.index + match[0].length;
  return join(bytes.subarray(0, match.index), Buffer.from(value), bytes.subarray(end));
};

/** The changes that make sense for any format. */
export const generalChanges: Readonly<Record<string, Change>> = {
  flip: (bytes, random) => {
    const copy = Uint8Array.from(bytes);
    const at = random.below(bytes.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  set: (bytes, random) => {
    const copy = Uint8Array.from(bytes);
    copy[random.below(bytes.length)] = random.pick([0, 0x7f, 0x80, 0xff, random.below(256)]);
    return copy;
  },
  number: withNumber,
  decimal: withDecimal,
  cut: (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  remove: (bytes, random) => {
    const [from, to] = range(bytes, random);
    return join(bytes.subarray(0, from), bytes.subarray(to));
  },
  insert: (bytes, random) => {
    const run = Uint8Array.from({ length: 1 + random.below(40) }, () => random.below(256));
    if (random.below(2) === 0) run.fill(random.pick([0, 0xff, 0x20]));
    const at = random.below(bytes.length + 1);
    return join(bytes.subarray(0, at), run, bytes.subarray(at));
  },
  double: (bytes, random) => {
    const [from, to] = range(bytes, random);
    return join(bytes.subarray(0, to), bytes.subarray(from));
  },
  swap: (bytes, random) => {
    const ends = [...range(bytes, random), ...range(bytes, random)].sort((a, b) => a - b);
    const [a = 0, b = 0, c = 0, d = 0] = ends;
    const part = (from: number, to?: number): Uint8Array => bytes.subarray(from, to);
    return join(part(0, a), part(c, d), part(b, c), part(a, b), part(d));
  },
  fill: (bytes, random) => {
    const [from, to] = range(bytes, random);
    return Uint8Array.from(bytes).fill(random.pick([0, 0xff]), from, to);
  },
};

/** Changes that keep every byte in its place. */
export const inPlace: ReadonlySet<string> = new Set(['flip', 'set', 'number', 'fill']);

/** How many changes an input has: one alone gets deepest. */
const counts = [1, 1, 1, 1, 2, 2, 3, 5];
const inputBytesMax = 4 * 1024 * 1024;

/** The input that belongs to this number: the same in every run. */
export function inputOf(reader: Reader, seed: number, samples = reader.samples): Input {
  const random = seededRandom(Math.imul(seed, 0x9e37_79b1));
  if (reader.make) return reader.make(random);
  const sample = random.pick(samples);
  return changed(reader, sample, random);
}

/** A sample with some changes, its checksums mended in half of the cases. */
export function changed(reader: Reader, sample: Uint8Array, random: Random): Input {
  const own = Object.entries(reader.changes ?? {});
  const general = Object.entries(generalChanges);
  const changes: string[] = [];
  let bytes = sample;
  for (let left = random.pick(counts); left > 0; left -= 1) {
    const pool = own.length > 0 && random.below(2) === 0 ? own : general;
    const [name, change] = random.pick(pool);
    const next = bytes.length === 0 ? undefined : change(bytes, random);
    if (next === undefined || next.length > inputBytesMax) continue;
    bytes = next;
    changes.push(name);
  }
  const mended = reader.mend !== undefined && random.below(2) === 0;
  if (mended) bytes = reader.mend?.(bytes) ?? bytes;
  return { bytes, sample, changes, mended };
}
