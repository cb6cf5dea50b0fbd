import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  blockCodes,
  encodeLz4Frame,
  frameFlags,
  frameHeader,
  frameMagic,
  legacyMagic,
  lz4BlockBytesMax,
  shortFrameHeader,
  skippableMagic,
} from '../../../formats/lz4/index.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import { seededRandom } from '../../support/random.ts';
import { decode, join, vector } from './support.ts';

const spec = 'formats/lz4/frame.md';

const encode = (content: Uint8Array, blockBytes?: number): Uint8Array =>
  join(...encodeLz4Frame(content, blockBytes));

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => index % 251);

/** What the lz4 program makes of frames; it fails when they are damaged. */
const byProgram = (frames: Uint8Array): Buffer =>
  execFileSync('lz4', ['-d', '-c'], { input: frames, maxBuffer: 2 ** 26 });

/** The size fields of the blocks of a frame that we wrote. */
function blockSizes(frame: Uint8Array): number[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const sizes: number[] = [];
  let at = frameHeader.size;
  for (let size = view.getUint32(at, true); size !== 0; size = view.getUint32(at, true)) {
    sizes.push(size);
    at += 4 + (size & 0x7fff_ffff);
  }
  assert.equal(at + 8, frame.length);
  return sizes;
}

describe('lz4 frame', () => {
  it("is XtraBackup's for an empty write and for hello", () => {
    assert.deepEqual(encode(new Uint8Array(0)), vector('xtrabackup-empty'));
    assert.deepEqual(encode(new TextEncoder().encode('hello')), vector('xtrabackup-hello'));
  });

  it('is read by the lz4 program, whatever the size', () => {
    for (const length of [0, 1, 65_535, 65_536, 65_537, 10 * 1024 * 1024]) {
      const content = bytesOf(length);
      assert.ok(byProgram(encode(content)).equals(content), `${length} bytes`);
    }
  });

  it('is read by the lz4 program when the content does not compress', () => {
    for (const length of [1, 65_535, 65_536, 300_000]) {
      const content = randomBytes(length);
      const frame = encode(content);
      assert.ok(byProgram(frame).equals(content), `${length} bytes`);
      assert.ok(Buffer.from(decode(frame)).equals(content), `${length} bytes`);
    }
  });

  it('is read by the lz4 program behind another, with blocks of every size', () => {
    const content = bytesOf(5_000_000);
    const sizes = [1000, 65_536, 65_537, 262_144, 1_048_576, 1_048_577, 1_232_896, 4_194_304];
    const frames = sizes.map((blockBytes) => encode(content, blockBytes));
    const read = byProgram(join(...frames));
    assert.ok(read.equals(Buffer.concat(sizes.map(() => content))));
    assert.deepEqual(
      frames.map((frame) => (frame[5] ?? 0) >>> 4),
      [4, 4, 5, 5, 6, 7, 7, 7],
    );
  });

  it('stores a full block that does not shrink, and compresses a short one that grows', () => {
    const random = seededRandom(1);
    const noise = Uint8Array.from({ length: 100_000 }, () => random.below(256));
    const [full = 0, short = 0, ...more] = blockSizes(encode(noise));
    assert.equal(full, 0x8000_0000 + 65_536);
    assert.ok(short > 100_000 - 65_536 && short < 65_536, `${short}`);
    assert.deepEqual(more, []);
  });

  it('stores a short block only when it would be longer than a full one may be', () => {
    const random = seededRandom(2);
    const noise = Uint8Array.from({ length: 65_535 }, () => random.below(256));
    assert.deepEqual(blockSizes(encode(noise)), [0x8000_0000 + 65_535]);
  });

  it('stores a full block as soon as its data would have as many bytes as the content', () => {
    const random = seededRandom(3);
    const noise = Uint8Array.from({ length: 1000 }, () => random.below(256));
    // The longer the run in the noise, the smaller the data: one byte less each time.
    const sizes = Array.from({ length: 40 }, (_, run) => {
      const content = Uint8Array.from(noise).fill(0, 100, 100 + run);
      return blockSizes(encode(content, 1000))[0] ?? 0;
    });
    const compressed = sizes.filter((size) => size < 0x8000_0000);
    assert.equal(Math.max(...compressed), 999);
    assert.equal(sizes[0], 0x8000_0000 + 1000);
  });

  it('gives pieces that are the frame, and leaves the content alone', () => {
    const content = randomBytes(200_000);
    const before = Uint8Array.from(content);
    const pieces = encodeLz4Frame(content);
    assert.deepEqual(Uint8Array.from(content), before);
    assert.ok(Buffer.from(decode(join(...pieces))).equals(content));
  });

  it('reads a window of a larger buffer, and only that', () => {
    const around = bytesOf(1000);
    assert.deepEqual(decode(encode(around.subarray(100, 300))), around.subarray(100, 300));
  });

  it('has no blocks of no size, of parts of bytes, or over 4 MiB', () => {
    for (const blockBytes of [0, -1, 1.5, Number.NaN, lz4BlockBytesMax + 1]) {
      assert.throws(() => encodeLz4Frame(new Uint8Array(1), blockBytes), RangeError);
    }
  });

  it('has the tables of its spec', () => {
    const rows = (heading: string): string[][] => specTable(spec, layoutTitles, heading);
    assert.deepEqual(layoutRows(frameHeader), rows('Header with content size'));
    assert.deepEqual(layoutRows(shortFrameHeader), rows('Header without content size'));
    assert.deepEqual([frameHeader.size, shortFrameHeader.size], [15, 7]);
    assert.deepEqual(
      Object.entries(frameFlags).map(([name, [bit, bits, text]]) => [
        `${bit}`,
        `${bits}`,
        name,
        text,
      ]),
      specTable(spec, ['bit', 'bits', 'field', 'description']),
    );
    assert.deepEqual(
      Object.entries(blockCodes).map(([code, bytes]) => [code, `${bytes}`]),
      specTable(spec, ['code', 'bytes']),
    );
  });

  it('has the magics of its spec', () => {
    const rows = specTable(spec, ['first u32', 'what follows', 'read']);
    assert.deepEqual(
      rows.map(([cell = '']) => cell.split(', ').map((text) => Number(text.slice(1, -1)))),
      [[frameMagic], [skippableMagic, skippableMagic + 15], [legacyMagic]],
    );
    assert.equal(Number(layoutRows(frameHeader)[0]?.[3]), frameMagic);
  });
});
