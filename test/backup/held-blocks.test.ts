import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';

import { HeldBlocks } from '../../src/backup/mysql/held-blocks.ts';
import { block } from '../formats/mysql-redo/support.ts';
import { scratchDir } from '../support/scratch.ts';

const startLsn = 1024 * 1024;
const pieceBlocks = 8000;
const pieces = 6;

/** More than is held in memory, every block another. */
const made = Buffer.concat(
  Array.from({ length: pieces * pieceBlocks }, (_, number) => block(startLsn + number * 512)),
);

function hold(): HeldBlocks {
  const held = new HeldBlocks(startLsn, scratchDir('spool'));
  for (let at = 0; at < made.length; at += pieceBlocks * 512) {
    const piece = made.slice(at, at + pieceBlocks * 512);
    held.add(piece);
    // The copier's window is written anew.
    piece.fill(0);
  }
  return held;
}

describe('redo that is held until the end is known', () => {
  for (const [what, number] of [
    ['the first block', 0],
    ['the last block of a piece in memory', pieceBlocks - 1],
    ['the first block of the next piece', pieceBlocks],
    ['a block in a temporary file', 5 * pieceBlocks + 77],
    ['the last block', pieces * pieceBlocks - 1],
  ] as const) {
    it(`comes out up to ${what}, which is given back`, () => {
      const parts: Uint8Array[] = [];
      const found = hold().release(startLsn + number * 512 + 300, (bytes) => parts.push(bytes));
      assert.ok(Buffer.concat(parts).equals(made.subarray(0, number * 512)));
      assert.deepEqual(
        found && Buffer.from(found),
        made.subarray(number * 512, (number + 1) * 512),
      );
    });
  }

  it('comes out whole when the end is behind it', () => {
    const parts: Uint8Array[] = [];
    const end = startLsn + made.length;
    assert.equal(
      hold().release(end + 12, (bytes) => parts.push(bytes)),
      undefined,
    );
    assert.ok(Buffer.concat(parts).equals(made));
  });

  it('leaves no file behind when it is given up', () => {
    const spool = scratchDir('given-up');
    const held = new HeldBlocks(startLsn, spool);
    for (let piece = 0; piece < pieces; piece++) held.add(made.subarray(0, pieceBlocks * 512));
    held.close();
    assert.deepEqual(readdirSync(spool), []);
  });
});
