import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeLz4Frame, Lz4Decoder } from '../../../formats/lz4/index.ts';
import { assertStaysBroken, failureOf } from '../decoder-sweeps.ts';
import { changed, contents, decode, join, vector, withHeader } from './support.ts';

const u32 = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);

/** The failure of a decoder that is given this much and may not wait for more. */
const refusedAt = (input: Uint8Array): [string, number] => {
  const decoder = new Lz4Decoder();
  decoder.push(input);
  const failure = failureOf(() => {
    while (decoder.next() !== undefined);
  });
  assert.equal(failure.kind, 'invalid');
  return [failure.field, failure.offset];
};

const hello = vector('hello');
const sized = vector('xtrabackup-hello');

describe('lz4 decoder on damage', () => {
  it('refuses a header with any byte changed to anything', () => {
    for (const [frame, size] of [
      [hello, 7],
      [sized, 15],
      [vector('everything'), 15],
      [vector('linked'), 7],
    ] as const) {
      for (let at = 0; at < size; at += 1) {
        for (let value = 0; value < 256; value += 1) {
          if (value === frame[at]) continue;
          failureOf(() => decode(changed(frame, at, value)));
        }
      }
    }
  });

  it('refuses every flag it does not know, though the header checksum is right', () => {
    const flags = hello[4] ?? 0;
    for (const [value, message] of [
      [flags | 0x01, /needs a dictionary/u],
      [flags | 0x02, /reserved bit/u],
      [flags | 0x80, /version 3, not 1/u],
      [flags ^ 0xc0, /version 2, not 1/u],
      [flags & 0x3f, /version 0, not 1/u],
    ] as const) {
      const frame = withHeader(hello, { 4: value });
      assert.deepEqual(refusedAt(frame.subarray(0, 6)), ['lz4 frame > flags', 4]);
      assert.match(failureOf(() => decode(frame)).message, message);
    }
  });

  it('refuses every block size that is none', () => {
    const good = [0x40, 0x50, 0x60, 0x70];
    for (let value = 0; value < 256; value += 1) {
      const frame = withHeader(hello, { 5: value });
      if (good.includes(value)) assert.deepEqual(decode(frame), contents['hello']);
      else assert.deepEqual(refusedAt(frame.subarray(0, 6)), ['lz4 frame > blockSize', 5]);
    }
  });

  it('refuses a wrong header checksum, and says where', () => {
    assert.deepEqual(refusedAt(changed(hello, 6, 0)), ['lz4 frame > headerChecksum', 6]);
    const second = join(hello, changed(sized, 14, 0));
    assert.deepEqual(refusedAt(second), ['lz4 frame > headerChecksum', 24 + 14]);
  });

  it('refuses the legacy format by name, and what is no LZ4', () => {
    const failure = failureOf(() => decode(vector('legacy')));
    assert.match(failure.message, /legacy format/u);
    assert.deepEqual(refusedAt(new TextEncoder().encode('PK..')), ['lz4 frame > magic', 0]);
    assert.deepEqual(refusedAt(join(hello, new Uint8Array(4))), ['lz4 frame > magic', 24]);
  });

  it('tells what can become a frame from what cannot when the input ends', () => {
    const ending = (...bytes: number[]): string =>
      failureOf(() => decode(join(hello, new Uint8Array(bytes)))).kind;
    assert.deepEqual(
      [ending(0x04), ending(0x5f, 0x2a), ending(0x02, 0x21, 0x4c)],
      ['truncated', 'truncated', 'truncated'],
    );
    assert.deepEqual(
      [ending(0), ending(0x60, 0x2a), ending(4, 0x22, 0x18)],
      ['invalid', 'invalid', 'invalid'],
    );
  });

  it('refuses block sizes over the limit of the frame at once, without waiting for the data', () => {
    for (const [code, max] of [
      [4, 65_536],
      [5, 262_144],
      [6, 1_048_576],
      [7, 4_194_304],
    ] as const) {
      const header = withHeader(hello, { 5: code << 4 }).subarray(0, 7);
      for (const size of [max + 1, 0x7fff_ffff, 0x8000_0000 + max + 1, 0xffff_ffff]) {
        const input = join(header, u32(size));
        assert.deepEqual(refusedAt(input), ['lz4 block > size', 7], `${size}`);
      }
      for (const size of [max, 0x8000_0000 + max]) {
        const failure = failureOf(() => decode(join(header, u32(size))));
        assert.deepEqual([failure.kind, failure.field], ['truncated', 'lz4 block > data']);
      }
    }
  });

  it('refuses a block of hello that has any other size', () => {
    for (const frame of [hello, sized]) {
      const at = frame === hello ? 7 : 15;
      const right = new DataView(frame.buffer).getUint32(at, true);
      for (let size = 0; size < 300; size += 1) {
        for (const forged of [size, size + 0x8000_0000]) {
          if (forged === right) continue;
          const input = Uint8Array.from(frame);
          input.set(u32(forged), at);
          failureOf(() => decode(input));
        }
      }
    }
  });

  it('refuses a block that holds more than the frame allows', () => {
    for (const [length, code] of [
      [65_537, 4],
      [262_145, 5],
      [1_232_897, 6],
    ] as const) {
      const [, block = assert.fail()] = encodeLz4Frame(new Uint8Array(length), 2 ** 22);
      const frame = join(withHeader(hello, { 5: code << 4 }).subarray(0, 7), block);
      const [field, offset] = refusedAt(frame);
      assert.deepEqual([field, offset], ['lz4 block > data', 11]);
    }
  });

  it('takes the blocks that XtraBackup labels too small, and no larger ones', () => {
    const relabelled = (length: number, flags = 0x6c): Uint8Array => {
      const frame = join(...encodeLz4Frame(new Uint8Array(length).fill(7), 2 ** 22));
      return withHeader(frame, { 4: flags, 5: 0x60 });
    };
    assert.equal(decode(relabelled(1_232_896)).length, 1_232_896);
    assert.deepEqual(refusedAt(relabelled(1_232_897)), ['lz4 block > data', 19]);
    // No other writer is known to do so.
    assert.deepEqual(refusedAt(relabelled(1_048_577, 0x4c)), ['lz4 block > data', 19]);
  });

  it('stops at the first block over the content size, and misses what is under it', () => {
    const frame = join(...encodeLz4Frame(new Uint8Array(200_000)));
    const withSize = (size: bigint): Uint8Array => {
      const bytes = new Uint8Array(new BigUint64Array([size]).buffer);
      return withHeader(frame, Object.fromEntries([...bytes].map((byte, at) => [6 + at, byte])));
    };
    assert.equal(decode(withSize(200_000n)).length, 200_000);
    const secondAt = 15 + 4 + new DataView(frame.buffer).getUint32(15, true);
    assert.deepEqual(refusedAt(withSize(65_536n)), ['lz4 frame > contentSize', secondAt]);
    assert.deepEqual(refusedAt(withSize(0n)), ['lz4 frame > contentSize', 15]);
    const endMark = frame.length - 8;
    assert.deepEqual(refusedAt(withSize(200_001n)), ['lz4 frame > contentSize', endMark]);
    assert.deepEqual(refusedAt(withSize(2n ** 53n - 1n)), ['lz4 frame > contentSize', endMark]);
    for (const size of [2n ** 53n, 2n ** 64n - 1n]) {
      assert.deepEqual(refusedAt(withSize(size)), ['lz4 frame > contentSize', 6]);
    }
  });

  it('refuses wrong checksums of a block and of the content', () => {
    const frame = vector('block-checksum');
    const blockSumAt = 7 + 4 + 1268;
    assert.deepEqual(refusedAt(changed(frame, blockSumAt, (frame[blockSumAt] ?? 0) ^ 1)), [
      'lz4 block > checksum',
      blockSumAt,
    ]);
    const contentSumAt = hello.length - 4;
    for (let at = contentSumAt; at < hello.length; at += 1) {
      const input = changed(hello, at, (hello[at] ?? 0) ^ 0x80);
      assert.deepEqual(refusedAt(input), ['lz4 frame > contentChecksum', contentSumAt]);
    }
  });

  it('refuses a linked frame that calls its blocks independent', () => {
    const frame = withHeader(vector('linked'), { 4: 0x64 });
    assert.deepEqual(refusedAt(frame), ['lz4 block > data', 7 + 4 + 1268 + 4]);
  });

  it('waits for the end of a skippable frame of 4 GiB and holds none of it', () => {
    const decoder = new Lz4Decoder();
    decoder.push(join(vector('skippable').subarray(0, 4), u32(0xffff_ffff)));
    const piece = new Uint8Array(2 ** 24);
    for (let pushed = 0; pushed < 256; pushed += 1) {
      decoder.push(pushed < 255 ? piece : piece.subarray(1));
      assert.equal(decoder.next(), undefined);
    }
    decoder.push(hello);
    assert.deepEqual(decoder.next(), contents['hello']);
    assert.equal(decoder.next(), undefined);
    decoder.end();
  });

  it('stays broken after a failure', () => {
    assertStaysBroken(new Lz4Decoder(), hello);
  });
});
