import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { encodeLz4Frame, Lz4Decoder } from '../../../formats/lz4/index.ts';
import { failureOf } from '../decoder-sweeps.ts';
import { changed, contents, decode, decodePieces, join, vector } from './support.ts';

/** What the lz4 program makes of content. */
const byProgram = (content: Uint8Array, ...options: string[]): Uint8Array =>
  execFileSync('lz4', ['-q', '-c', ...options], { input: content, maxBuffer: 2 ** 26 });

/** Rows of text, of which no two are the same. */
const rowsOf = (length: number): Buffer => {
  const rows: string[] = [];
  for (let count = 0, number = 0; count < length; number += 1) {
    const row = `${number}\tcustomer ${(number * 7919) % 1000}\tpaid ${number ** 2 % 99_991}\n`;
    count += row.length;
    rows.push(row);
  }
  return Buffer.from(rows.join('')).subarray(0, length);
};

const hello = vector('hello');

describe('lz4 decoder', () => {
  for (const [name, content] of Object.entries(contents)) {
    it(`reads the vector ${name}, however it is cut`, () => {
      const input = vector(name);
      const whole = decodePieces(input);
      assert.ok(Buffer.from(join(...whole)).equals(content));
      for (const step of [1, 2, 3, 4095]) {
        const pieces = decodePieces(input, step);
        assert.deepEqual(
          pieces.map((piece) => piece.length),
          whole.map((piece) => piece.length),
        );
        assert.ok(Buffer.from(join(...pieces)).equals(content), `cut every ${step} bytes`);
      }
    });

    it(`finds the vector ${name} cut at every byte but between frames`, () => {
      const input = vector(name);
      const ends: Record<string, number[]> = { concatenated: [24, 39], skippable: [11] };
      const whole = [0, ...(ends[name] ?? []), input.length];
      for (let cut = 0; cut <= input.length; cut += 1) {
        const head = input.subarray(0, cut);
        if (whole.includes(cut)) {
          assert.ok(Buffer.from(content).subarray(0, decode(head).length).equals(decode(head)));
          continue;
        }
        const failure = failureOf(() => decode(head));
        assert.deepEqual([failure.kind, failure.offset], ['truncated', cut]);
      }
    });
  }

  it('gives a piece for each block', () => {
    const lengths = (name: string): number[] => decodePieces(vector(name)).map((p) => p.length);
    assert.deepEqual(lengths('linked'), [65_536, 4088]);
    assert.deepEqual(lengths('zeros-4m'), [4_194_304, 1]);
    assert.deepEqual(lengths('concatenated'), [5, 65_536, 4088]);
    assert.deepEqual(lengths('empty'), []);
  });

  it('reads no bytes as no content', () => {
    assert.deepEqual(decodePieces(new Uint8Array(0)), []);
  });

  it('names the field it was cut in', () => {
    const fieldAt = (name: string, cut: number): string =>
      failureOf(() => decode(vector(name).subarray(0, cut))).field;
    assert.equal(fieldAt('hello', 3), 'lz4 frame > magic');
    assert.equal(fieldAt('hello', 4), 'lz4 frame > flags');
    assert.equal(fieldAt('hello', 5), 'lz4 frame > blockSize');
    assert.equal(fieldAt('hello', 6), 'lz4 frame > headerChecksum');
    assert.equal(fieldAt('hello', 10), 'lz4 block > size');
    assert.equal(fieldAt('hello', 15), 'lz4 block > data');
    assert.equal(fieldAt('hello', 18), 'lz4 block > size');
    assert.equal(fieldAt('hello', 20), 'lz4 frame > contentChecksum');
    assert.equal(fieldAt('xtrabackup-hello', 13), 'lz4 frame > contentSize');
    assert.equal(fieldAt('xtrabackup-hello', 14), 'lz4 frame > headerChecksum');
    assert.equal(fieldAt('skippable', 7), 'lz4 skippable frame > size');
    assert.equal(fieldAt('skippable', 10), 'lz4 skippable frame > data');
    assert.equal(fieldAt('block-checksum', 11 + 1268), 'lz4 block > checksum');
  });

  it('reads what the lz4 program writes of 20 MiB', () => {
    const content = rowsOf(20 * 1024 * 1024);
    for (const options of [[], ['-9', '-B5'], ['-BD', '-B4'], ['-BX', '-BD', '-B6']]) {
      const read = decode(byProgram(content, ...options), 65_536);
      assert.ok(content.equals(read), options.join(' '));
    }
  });

  it('reads linked blocks, small ones and those that refer to a stored one', () => {
    const noise = randomBytes(65_536);
    const content = join(noise, noise, rowsOf(100_000), noise.subarray(0, 40_000), noise);
    for (const blockSize of ['4', '33', '1000', '65535']) {
      const frame = byProgram(content, '-BD', `-B${blockSize}`);
      assert.ok(Buffer.from(decode(frame, 5000)).equals(content), `-B${blockSize}`);
    }
    // The first block is stored; only with it in sight can the second be so small.
    const again = join(noise, noise.subarray(1000));
    const frame = byProgram(again, '-BD', '-B4');
    assert.ok(frame.length < 70_000, `${frame.length}`);
    assert.ok(Buffer.from(decode(frame)).equals(again));
  });

  it('forgets the content of a frame when the next begins', () => {
    // The second block of a linked frame, made the first of the next one.
    const linked = vector('linked');
    const secondAt = 7 + 4 + 1268;
    const next = join(linked.subarray(0, 7), linked.subarray(secondAt));
    const failure = failureOf(() => decode(join(linked, next)));
    assert.deepEqual([failure.field, failure.offset], ['lz4 block > data', linked.length + 7 + 4]);
  });

  it('steps over skippable frames of all sixteen magics, and over nothing else', () => {
    for (let extra = 0; extra < 16; extra += 1) {
      const skipped = changed(vector('skippable'), 0, 0x50 + extra);
      assert.deepEqual(decode(skipped), contents['hello']);
    }
    for (const first of [0x4f, 0x60]) {
      const failure = failureOf(() => decode(changed(vector('skippable'), 0, first)));
      assert.equal(failure.field, 'lz4 frame > magic');
    }
  });

  it('passes over blocks without content', () => {
    const stored = [0, 0, 0, 0x80];
    const compressed = [1, 0, 0, 0, 0];
    const empties = new Uint8Array([...stored, ...compressed, ...stored]);
    const frame = join(hello.subarray(0, 7), empties, hello.subarray(7));
    assert.deepEqual(decodePieces(frame), [contents['hello']]);
  });

  it('gives content in memory of its own, stored blocks too', () => {
    const noise = randomBytes(65_536);
    const input = join(...encodeLz4Frame(noise));
    const decoder = new Lz4Decoder();
    decoder.push(input);
    const piece = decoder.next() ?? assert.fail('no piece');
    input.fill(0);
    assert.ok(noise.equals(piece));
  });

  it('does not mind what becomes of the content it gave', () => {
    const content = rowsOf(300_000);
    const decoder = new Lz4Decoder();
    decoder.push(byProgram(content, '-BD', '-B4'));
    const pieces: Uint8Array[] = [];
    for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
      pieces.push(Uint8Array.from(piece));
      piece.fill(0);
    }
    decoder.end();
    assert.ok(Buffer.from(join(...pieces)).equals(content));
  });
});
