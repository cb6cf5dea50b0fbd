import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../formats/format-error.ts';
import { ZstdDecompression } from '../../src/transform/decompress-zstd.ts';
import { join, text, u32 } from '../formats/xbstream/support.ts';
import { decodeAll, mixed, noise, piped, zstdFrames } from './support.ts';

const framed = zstdFrames();
const frame = framed(mixed(600));

/** Kind and text of the FormatError that decoding ends in. */
function refusal(bytes: Uint8Array, pieceBytes = bytes.length): string {
  try {
    decodeAll(['zst'], bytes, { pieceBytes: Math.max(1, pieceBytes) });
  } catch (error) {
    assert.ok(error instanceof FormatError);
    return `${error.kind}: ${error.message}`;
  }
  return assert.fail('it was accepted');
}

/** A frame by hand: a window of 2^log bytes, one stored block. */
function windowed(log: number, content: Uint8Array): Uint8Array {
  const block = u32(1 + content.length * 8).subarray(0, 3);
  return join(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3), block, content);
}

describe('zstd decompression', () => {
  it('refuses a frame that is cut at any byte, and says where', () => {
    for (let cut = 1; cut < frame.length; cut += 1) {
      const wanted = `truncated: zstd frame at byte ${cut}: the frame is cut`;
      assert.equal(refusal(frame.subarray(0, cut)), wanted);
      assert.equal(refusal(frame.subarray(0, cut), 1), wanted);
    }
  });

  it('refuses a second frame that is cut at any byte', () => {
    const two = join(framed(text('first')), framed(text('second')));
    const first = framed(text('first')).length;
    for (let cut = first + 1; cut < two.length; cut += 1) {
      assert.match(refusal(two.subarray(0, cut)), /^truncated: zstd frame at byte \d+/);
    }
    assert.deepEqual(decodeAll(['zst'], two.subarray(0, first)), Buffer.from('first'));
  });

  it('refuses a frame with any bit flipped, or gives back what was in it', () => {
    // A few bits mean nothing to a reader, such as one that is unused in the header.
    const content = Buffer.from(mixed(600));
    let taken = 0;
    for (let at = 0; at < frame.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const damaged = Uint8Array.from(frame);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        try {
          const plain = decodeAll(['zst'], damaged);
          assert.ok(plain.equals(content), `bit ${bit} of byte ${at}`);
          taken += 1;
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }
    }
    assert.ok(taken <= 2, `${taken} flips are taken`);
  });

  it('refuses a checksum that is not that of the content', () => {
    const wrong = Uint8Array.from(frame);
    wrong[frame.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
    assert.match(refusal(wrong), /^invalid: zstd frame at byte \d+: .*checksum/i);
  });

  it('takes frames one behind the other for one content, whatever the pieces', () => {
    const parts = [text('one'), new Uint8Array(0), mixed(100_000), text('last')];
    const all = join(...parts.map(framed));
    for (const pieceBytes of [1, 3, 1000, all.length]) {
      assert.ok(decodeAll(['zst'], all, { pieceBytes }).equals(join(...parts)), `${pieceBytes}`);
    }
  });

  it('takes a frame that does not tell the size of its content', () => {
    const content = mixed(3_000_000);
    // From a pipe the program knows no size.
    const streamed = piped('zstd', ['-c', '--no-check'], content);
    assert.equal((streamed[4] ?? 0) >> 5, 0, 'no content size in the header');
    assert.ok(decodeAll(['zst'], streamed, { pieceBytes: 65536 }).equals(content));
  });

  it('passes over a skippable frame, and misses the rest of one that is cut', () => {
    const skipped = join(u32(0x184d2a53), u32(5), text('12345'));
    const all = join(skipped, framed(text('content')), skipped);
    for (const pieceBytes of [1, all.length]) {
      assert.deepEqual(decodeAll(['zst'], all, { pieceBytes }), Buffer.from('content'));
    }
    for (let cut = 1; cut < skipped.length; cut += 1) {
      assert.match(refusal(join(framed(text('x')), skipped.subarray(0, cut))), /^truncated: /);
    }
  });

  it('refuses what is no frame, at its start and behind one', () => {
    assert.match(refusal(text('no frame at all')), /^invalid: zstd frame at byte 0: Unknown frame/);
    const behind = join(framed(text('x')), text('no frame at all'));
    assert.match(refusal(behind), /^invalid: zstd frame at byte \d+: Unknown frame/);
  });

  it('refuses a window over 16 MiB, which every open member could hold', () => {
    assert.deepEqual(decodeAll(['zst'], windowed(24, text('held'))), Buffer.from('held'));
    for (const log of [25, 28, 31, 41]) {
      assert.match(refusal(windowed(log, text('held'))), /^invalid: .*too much memory/);
    }
  });

  it('gives everything that came before it fails', () => {
    const good = framed(noise(5000));
    const decompression = new ZstdDecompression();
    const seen: number[] = [];
    assert.throws(() => {
      for (const piece of decompression.push(join(good, text('garbage!')))) seen.push(piece.length);
    }, FormatError);
    assert.equal(
      seen.reduce((sum, length) => sum + length, 0),
      5000,
    );
  });

  it('takes no content for no content', () => {
    assert.equal(decodeAll(['zst'], new Uint8Array(0)).length, 0);
  });
});
