import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeltaDecoder, pageSizeMax } from '../../../formats/delta/index.ts';
import { FormatError } from '../../../formats/format-error.ts';
import { seededRandom } from '../../support/random.ts';
import { assertStaysBroken, assertTellsCuts, failureOf, flipEveryBit } from '../decoder-sweeps.ts';
import {
  blank,
  decodeAll,
  fullList,
  headerOf,
  join,
  vector,
  vectorNames,
  vectors,
  type VectorName,
} from './support.ts';

const end = 0xffff_ffff;

/** How a delta of 1 KiB pages is refused: `kind field at offset: message`. */
const refusal = (...parts: Uint8Array[]): string => {
  const { kind, message } = failureOf(() => decodeAll(join(...parts), 1024));
  return `${kind} ${message}`;
};

/** Where the blocks of a vector begin. */
const headersOf = (name: VectorName): number[] => {
  const { pageSize, blocks } = vectors[name];
  let at = 0;
  return blocks.map((count) => (at += (count + 1) * pageSize) - (count + 1) * pageSize);
};

describe('delta decoder on damage', () => {
  it('ends well only behind the last page, and says where the input ended', () => {
    for (const name of vectorNames) {
      const { pageSize } = vectors[name];
      const input = vector(name);
      const large = input.length < 400_000 ? 487 : 10_007;
      const sweep = { borders: headersOf(name), stride: input.length < 20_000 ? 1 : large };
      assertTellsCuts(input, sweep, (cut) => decodeAll(cut, pageSize));
    }
  });

  it('names the block and the page that the input ended in', () => {
    const input = vector('zip');
    const second = 256 * 1024;
    const at = (cut: number): string =>
      failureOf(() => decodeAll(input.subarray(0, cut), 1024)).message;
    const wanted: [number, string][] = [
      [0, 'delta block 1 > magic at byte 0: the file ends, the header page missing'],
      [3, 'delta block 1 > magic at byte 3: the file ends, the header page missing'],
      [4, 'delta block 1 > page numbers at byte 4: the file ends, the header page missing'],
      [1024, 'delta block 1 > page 0 at byte 1024: the file ends, 255 of 255 pages missing'],
      [2047, 'delta block 1 > page 0 at byte 2047: the file ends, 255 of 255 pages missing'],
      [2048, 'delta block 1 > page 2 at byte 2048: the file ends, 254 of 255 pages missing'],
      [second - 1, `page 374 at byte ${second - 1}: the file ends, 1 of 255 pages missing`],
      [second, `delta block 2 > magic at byte ${second}: the file ends, the header page missing`],
      [input.length - 1, 'the file ends, 1 of 56 pages missing'],
    ];
    for (const [cut, text] of wanted) assert.ok(at(cut).endsWith(text), at(cut));
  });

  it('refuses the first bytes that cannot be a block, without waiting for more', () => {
    for (const head of ['y', 'xT', 'Xt', 'xtrA', 'XTRa', '\0', 'qpress']) {
      const decoder = new DeltaDecoder(pageSizeMax);
      decoder.push(Buffer.from(head));
      const { message } = failureOf(() => decoder.next());
      assert.equal(message, 'delta block 1 > magic at byte 0: no block of pages');
    }
    const full = join(headerOf('xtra', fullList()), blank(255));
    assert.match(refusal(full, Buffer.from('xx')), /invalid delta block 2 > magic at byte 262144/u);
  });

  it('refuses page numbers that do not ascend, in a block and from block to block', () => {
    const list = (...words: number[]): string => refusal(headerOf('XTRA', words), blank(4));
    const field = 'invalid delta block 1 > page numbers';
    assert.equal(list(5, 5, end), `${field} at byte 8: page 5 behind page 5`);
    assert.equal(list(1, 9, 3, end), `${field} at byte 12: page 3 behind page 9`);
    // A list without an end runs into the zeros behind it.
    assert.equal(list(1, 2), `${field} at byte 12: page 0 behind page 2`);
    assert.equal(list(), `${field} at byte 8: page 0 behind page 0`);
    const first = join(headerOf('xtra', fullList()), blank(255));
    const again = join(headerOf('XTRA', [254, end]), blank(1));
    const second = 'invalid delta block 2 > page numbers at byte 262148: page 254 behind page 254';
    assert.equal(refusal(first, again), second);
  });

  it('refuses a block that is not full when more are said to follow', () => {
    const made = headerOf('xtra', [1, 2, end]);
    const wanted = 'invalid delta block 1 > page numbers at byte 12: 2 of 255 pages';
    assert.equal(refusal(made, blank(2), headerOf('XTRA', [end])), wanted);
    assert.match(refusal(headerOf('xtra', [end])), /at byte 4: 0 of 255 pages/u);
  });

  it('refuses anything but zeros behind the end of the list', () => {
    const made = headerOf('XTRA', [end]);
    assert.deepEqual(decodeAll(made, 1024), []);
    for (let at = 8; at < made.length; at += 1) {
      made[at] = 1;
      const wanted = `invalid delta block 1 > rest at byte ${at}: bytes behind the page numbers`;
      assert.equal(refusal(made), wanted);
      made[at] = 0;
    }
  });

  it('refuses what follows the last block, whenever it comes', () => {
    const last = join(headerOf('XTRA', [8, end]), blank(1));
    const wanted = 'invalid delta block 1 > end at byte 2048: bytes behind the last block';
    assert.equal(refusal(last, blank(1)), wanted);
    assert.equal(refusal(last, last), wanted);
    assert.equal(
      refusal(join(headerOf('XTRA', fullList()), blank(255)), last).slice(0, 7),
      'invalid',
    );
    const decoder = new DeltaDecoder(1024);
    decoder.push(last);
    assert.equal(decoder.next()?.pageNumber, 8);
    assert.equal(decoder.next(), undefined);
    decoder.push(Uint8Array.of(0));
    assert.match(failureOf(() => decoder.end()).message, /bytes behind the last block/u);
  });

  it('refuses a page size that no page has, before it reads anything', () => {
    for (const size of [0, -1024, 1, 512, 1023, 1025, 3072, 131_072, 2 ** 32, NaN, Infinity]) {
      const { kind, field } = failureOf(() => new DeltaDecoder(size));
      assert.deepEqual([kind, field], ['invalid', 'delta > page size']);
    }
  });

  it('refuses real deltas when they are read with another page size', () => {
    for (const name of vectorNames) {
      for (let size = 1024; size <= pageSizeMax; size *= 2) {
        if (size !== vectors[name].pageSize) failureOf(() => decodeAll(vector(name), size));
      }
    }
  });

  it('notices every flipped bit of a header but in page numbers that still ascend', () => {
    for (const name of ['few', 'zip', 'exact'] as const) {
      const { pageSize } = vectors[name];
      const input = vector(name);
      const numbers = decodeAll(input, pageSize).map(({ pageNumber }) => pageNumber);
      for (const header of headersOf(name)) {
        // Page by page is slow, and a damaged header is refused before its pages.
        flipEveryBit(input.subarray(header, header + pageSize), (at) => {
          const found = numbersOrRefusal(input, pageSize);
          if (found === undefined) return;
          const changed = found.filter((number, index) => number !== numbers[index]);
          assert.equal(changed.length, 1, `${name}: byte ${header + at}`);
          assert.ok(found.every((number, index) => number > (found[index - 1] ?? -1)));
        });
      }
    }
  });

  it('stays broken after a failure', () => {
    assertStaysBroken(new DeltaDecoder(4096), vector('few'));
  });
});

function numbersOrRefusal(input: Uint8Array, pageSize: number): number[] | undefined {
  try {
    return decodeAll(input, pageSize).map(({ pageNumber }) => pageNumber);
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return undefined;
  }
}

describe('delta decoder on noise', () => {
  it('refuses random bytes, also behind a magic', () => {
    const random = seededRandom(8);
    for (let round = 0; round < 2000; round += 1) {
      const noise = Uint8Array.from({ length: random.below(3000) }, () => random.below(256));
      const magic = random.pick(['', 'xtra', 'XTRA']);
      failureOf(() => decodeAll(join(Buffer.from(magic), noise), 1024, 1 + random.below(999)));
    }
  });

  it('ends damaged deltas in a FormatError or in ascending pages that fill them', () => {
    const random = seededRandom(9);
    const sample = join(
      join(headerOf('xtra', fullList()), blank(255)),
      join(headerOf('XTRA', [300, 301, 400, end]), blank(3)),
    );
    const tally = { refused: 0, accepted: 0 };
    for (let round = 0; round < 1500; round += 1) {
      const at = random.pick([random.below(1024), 256 * 1024 + random.below(1024)]) & ~3;
      const words = Uint32Array.from({ length: 1 + random.below(2) }, () =>
        random.pick([0, end, random.below(600) * 2 ** 24, end - 1]),
      );
      const run = new Uint8Array(words.buffer);
      const cut = random.pick([0, run.length]);
      const bytes = join(sample.subarray(0, at), run, sample.subarray(at + run.length - cut));
      const found = numbersOrRefusal(bytes, 1024);
      tally[found === undefined ? 'refused' : 'accepted'] += 1;
      if (found === undefined) continue;
      assert.ok(found.every((number, index) => number > (found[index - 1] ?? -1)));
      assert.ok(bytes.length === (found.length + Math.ceil(found.length / 255)) * 1024);
    }
    assert.ok(tally.refused > 500 && tally.accepted > 5, JSON.stringify(tally));
  });
});
