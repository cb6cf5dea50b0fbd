import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Fill, type ReadPiece, readAhead } from '../../src/source/read-ahead.ts';
import { BackupError } from '../../src/errors.ts';

interface Numbered {
  number: number;
  length: number;
}

function* pieces(...lengths: number[]): Generator<Numbered, undefined> {
  for (const [number, length] of lengths.entries()) yield { number, length };
  return undefined;
}

/** Something that is waited for until it is let go. */
class Gate {
  open: () => void = () => undefined;
  readonly passed = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

const valueOf = ({ number }: Numbered, at: number): number => (number * 50 + at) % 251;

const fillWhole: Fill<Numbered> = (piece, into, onFilled) => {
  for (let at = 0; at < into.length; at += 1) into[at] = valueOf(piece, at);
  onFilled(into.length);
  return Promise.resolve();
};

async function next(
  reading: AsyncGenerator<ReadPiece<Numbered>, undefined>,
): Promise<ReadPiece<Numbered>> {
  const { value } = await reading.next();
  assert.ok(value);
  return value;
}

describe('pieces that are read ahead', () => {
  it('come in their order and whole, in steps that are not long', async () => {
    const lengths = [10, 700_000, 1, 300_000, 262_144];
    const reading = { bytesMax: 700_000, parallel: 3, fill: fillWhole };
    const seen: number[] = [];
    for await (const { piece, at, bytes } of readAhead(pieces(...lengths), reading)) {
      assert.equal(at, seen[piece.number] ?? 0);
      assert.ok(bytes.length > 0 && bytes.length <= 256 * 1024);
      bytes.forEach((byte, index) => {
        if (byte !== valueOf(piece, at + index)) assert.fail(`${piece.number} at ${at + index}`);
      });
      seen[piece.number] = at + bytes.length;
    }
    assert.deepEqual(seen, lengths);
  });

  it('are given out as far as they have come', async () => {
    const gate = new Gate();
    const fill: Fill<Numbered> = async (_piece, _into, onFilled) => {
      onFilled(3);
      await gate.passed;
      onFilled(7);
    };
    const reading = readAhead(pieces(10), { bytesMax: 10, parallel: 2, fill });
    const first = await next(reading);
    assert.deepEqual([first.at, first.bytes.length], [0, 3]);
    gate.open();
    const second = await next(reading);
    assert.deepEqual([second.at, second.at + second.bytes.length >= 7], [3, true]);
    for (let piece = second; piece.at + piece.bytes.length < 10;) piece = await next(reading);
    assert.equal((await reading.next()).done, true);
  });

  it('are asked for no earlier than their room is free', async () => {
    let asked = 0;
    const fill: Fill<Numbered> = async (...given) => {
      asked += 1;
      await fillWhole(...given);
    };
    const lengths = Array.from({ length: 20 }, () => 4);
    const reading = readAhead(pieces(...lengths), { bytesMax: 4, parallel: 3, fill });
    for (let number = 0; number < 20; number += 1) {
      assert.equal((await next(reading)).piece.number, number);
      assert.ok(asked <= number + 4, `${asked} at piece ${number}`);
    }
    assert.equal((await reading.next()).done, true);
  });

  it('fail at their turn, behind what came of them, and give up the others', async () => {
    const gaveUp: number[] = [];
    const fill: Fill<Numbered> = async (piece, into, onFilled, signal) => {
      if (piece.number < 1) {
        await fillWhole(piece, into, onFilled, signal);
        return;
      }
      onFilled(2);
      if (piece.number === 1) throw new BackupError('storage', 'gone');
      await new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => {
          gaveUp.push(piece.number);
          reject(signal.reason as Error);
        });
      });
    };
    const reading = readAhead(pieces(4, 4, 4, 4), { bytesMax: 4, parallel: 3, fill });
    const taken: [number, number][] = [];
    await assert.rejects(
      async () => {
        for await (const { piece, bytes } of reading) taken.push([piece.number, bytes.length]);
      },
      { code: 'storage', message: 'gone' },
    );
    assert.deepEqual(taken, [
      [0, 4],
      [1, 2],
    ]);
    assert.deepEqual(gaveUp, [2, 3]);
  });
});
