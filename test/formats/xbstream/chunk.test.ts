import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { crc32 } from '../../../formats/crc.ts';
import { FormatError } from '../../../formats/format-error.ts';
import { encodeEnd, encodePayloadHeader } from '../../../formats/xbstream/index.ts';
import { join, text, vector } from './support.ts';

/** A whole file as the reference tools write it: payload chunks of at most 10 MiB, then the end. */
function encodeFile(path: string, data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 10_485_760) {
    const piece = data.subarray(at, at + 10_485_760);
    parts.push(encodePayloadHeader(path, at, piece.length, crc32(piece)), piece);
  }
  return join(...parts, encodeEnd(path));
}

const invalid =
  (field: RegExp, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof FormatError &&
    error.kind === 'invalid' &&
    field.test(error.field) &&
    message.test(error.message);

describe('the chunk encoder', () => {
  it('writes the bytes mbstream writes', () => {
    const longest = `${'d'.repeat(200)}/${'d'.repeat(200)}/${'f'.repeat(109)}`;
    assert.deepEqual(encodeFile('empty', text('')), vector('empty'));
    assert.deepEqual(encodeFile('one', text('a')), vector('one-byte'));
    assert.deepEqual(encodeFile('h.txt', text('hello')), vector('hello'));
    assert.deepEqual(encodeFile(longest, text('x')), vector('longest-path'));
    const three = join(
      encodeFile('db/t.ibd', text('first')),
      encodeFile('empty', text('')),
      encodeFile('db/t ä #.ibd', text('second file')),
    );
    assert.deepEqual(three, vector('three-files'));
  });

  it('writes the bytes mbstream writes for a file of two chunks', () => {
    const packed = readFileSync('formats/xbstream/vectors/two-chunks.xbstream.gz');
    const encoded = encodeFile('big', new Uint8Array(10_485_761));
    assert.equal(Buffer.compare(encoded, gunzipSync(packed)), 0);
  });

  it('writes 34 bytes and the path before a payload, 14 and the path as end', () => {
    assert.equal(encodePayloadHeader('ä', 0, 0, 0).length, 36);
    assert.equal(encodeEnd('ä').length, 16);
  });

  it('counts the limit of 511 in bytes, not in characters', () => {
    assert.equal(encodeEnd('x'.repeat(511)).length, 14 + 511);
    assert.throws(() => encodeEnd('x'.repeat(512)), invalid(/path$/, /512 bytes are over .* 511/));
    assert.equal(encodeEnd(`${'ä'.repeat(255)}x`).length, 14 + 511);
    assert.throws(() => encodeEnd('ä'.repeat(256)), invalid(/path$/, /512 bytes/));
  });

  it('refuses a path no reader would understand as it was meant', () => {
    const bad: [string, RegExp][] = [
      ['', /empty/],
      ['a\0b', /NUL at its byte 1/],
      ['\ud800', /not well-formed/],
    ];
    for (const [path, message] of bad) {
      assert.throws(() => encodeEnd(path), invalid(/path$/, message));
      assert.throws(() => encodePayloadHeader(path, 0, 0, 0), invalid(/path$/, message));
    }
  });

  it('refuses numbers the fields do not hold', () => {
    const max = Number.MAX_SAFE_INTEGER;
    for (const bad of [-1, 0.5, NaN, max + 1, Infinity]) {
      assert.throws(() => encodePayloadHeader('f', bad, 0, 0), invalid(/"f" > file offset/, /fit/));
      assert.throws(() => encodePayloadHeader('f', 0, bad, 0), invalid(/payload length/, /fit/));
      assert.throws(() => encodePayloadHeader('f', 0, 0, bad), invalid(/crc/, /fit/));
    }
    assert.throws(() => encodePayloadHeader('f', 0, 0, 2 ** 32), invalid(/crc/, /4294967296/));
    assert.throws(() => encodePayloadHeader('f', max, 1, 0), invalid(/file offset/, /fit/));
    assert.equal(encodePayloadHeader('f', max, 0, 0xffff_ffff).length, 35);
  });
});
