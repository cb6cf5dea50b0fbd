import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataView } from '../../../formats/layout.ts';
import {
  blockDataLength,
  blockTable,
  cutBlock,
  isEncryptedBlock,
  judgeBlock,
  scanBlocks,
  type BlockState,
} from '../../../formats/mysql-redo/index.ts';
import { specTable } from '../../support/spec-table.ts';
import {
  block,
  blocks,
  encrypted,
  flipped,
  live,
  noise,
  vector,
  withChecksum,
  type BlockFields,
} from './support.ts';

const epochBytes = 2 ** 39;

function judge(bytes: Uint8Array, lsn: number): BlockState {
  return judgeBlock(bytes, 0, lsn);
}

function noChecksum(bytes: Uint8Array): Uint8Array {
  dataView(bytes).setUint32(508, 0xdead_beef);
  return bytes;
}

describe('a block', () => {
  it('is judged by the rules of the spec, in their order', () => {
    const lsn = 102_400;
    const examples = [
      new Uint8Array(512).fill(9, 12),
      block(lsn, { number: 2 ** 30 + 1 }),
      block(lsn - 512),
      flipped(block(lsn), 2000),
      block(lsn + 512),
      noChecksum(block(lsn)),
      block(lsn),
      block(lsn, { dataLength: 507 }),
      block(lsn, { dataLength: 508 }),
    ];
    const states = specTable('formats/mysql-redo/block.md', ['rule', 'state']);
    assert.deepEqual(
      examples.map((bytes) => judge(bytes, lsn)),
      states.map(([, state]) => state),
    );
  });

  it('of a live log is whole, then partial, then not written yet', () => {
    const bytes = vector('live').subarray(2048);
    const states = Array.from({ length: 18 }, (_, i) =>
      judgeBlock(bytes, 512 * i, live.blocksFrom + 512 * i),
    );
    assert.deepEqual(states, [
      ...Array.from({ length: 13 }, () => 'whole'),
      'partial',
      ...Array.from({ length: 4 }, () => 'not written yet'),
    ]);
    assert.equal(live.blocksFrom + 13 * 512 + blockDataLength(bytes, 13 * 512), live.lsn);
  });

  it('at the end of a log may hold nothing, or all that fits', () => {
    const empty = vector('end-12');
    assert.deepEqual(scanBlocks(empty, 150_779_904), {
      wholeBytes: 512,
      encryptedBlocks: 0,
      stop: 'partial',
    });
    assert.equal(blockDataLength(empty, 512), 12);
    const filled = vector('end-507');
    assert.equal(judgeBlock(filled, 512, 150_133_760), 'partial');
    assert.equal(blockDataLength(filled, 512), 507);
  });

  it('of an encrypted log is judged by its header alone', () => {
    const bytes = vector('encrypted').subarray(2048);
    const found = scanBlocks(bytes, encrypted.blocksFrom);
    assert.deepEqual(found, { wholeBytes: 13 * 512, encryptedBlocks: 13, stop: 'partial' });
    assert.ok(isEncryptedBlock(bytes, 13 * 512));
    const length = blockDataLength(bytes, 13 * 512);
    assert.equal(encrypted.blocksFrom + 13 * 512 + length, encrypted.lsn);
    bytes[300] = (bytes[300] ?? 0) ^ 1;
    assert.equal(judgeBlock(bytes, 0, encrypted.blocksFrom), 'whole');
  });

  it('written without checksum is told from a damaged one', () => {
    const bytes = vector('no-checksum');
    const lsn = 150_831_616;
    assert.equal(judgeBlock(bytes, 0, lsn), 'no checksum');
    assert.equal(judgeBlock(bytes, 1024, lsn + 1024), 'no checksum');
    assert.equal(judgeBlock(bytes, 0, lsn - 512), 'overwritten');
    assert.equal(judgeBlock(bytes, 0, lsn + 512), 'not written yet');
  });

  it('is damaged by any flipped bit, or taken for another one where its header was hit', () => {
    const { blocksFrom } = live;
    const bytes = vector('live').slice(2048, 2560);
    for (let bit = 0; bit < 512 * 8; bit++) {
      const state = judge(flipped(bytes, bit), blocksFrom);
      const inLength = bit >> 3 === 4 || bit >> 3 === 5;
      // The bit that says "encrypted" hides the checksum: see the check of a backup's log.
      if (inLength && isEncryptedBlock(flipped(bytes, bit), 0)) assert.equal(state, 'whole');
      else if (state !== 'not written yet') assert.equal(state, 'damaged', `bit ${bit}`);
      else assert.ok(bit < 4 * 8 || (bit >= 8 * 8 && bit < 12 * 8), `bit ${bit}`);
    }
  });

  it('of a newer round is told from an older one by its epoch', () => {
    const lsn = 3 * epochBytes + 51_200;
    assert.deepEqual(blockTable.decode(block(lsn)).epoch, 4);
    assert.equal(judge(block(lsn), lsn), 'whole');
    assert.equal(judge(block(lsn - epochBytes), lsn), 'not written yet');
    assert.equal(judge(block(lsn + epochBytes), lsn), 'overwritten');
    assert.equal(judge(block(4 * epochBytes), 4 * epochBytes - 512), 'overwritten');
    assert.equal(judge(block(4 * epochBytes - 512), 4 * epochBytes), 'not written yet');
  });

  it('with a header that no server writes is damaged', () => {
    const lsn = 102_400;
    const made = (fields: BlockFields): BlockState => judge(block(lsn, fields), lsn);
    assert.equal(made({ number: 0 }), 'damaged');
    assert.equal(made({ number: 0xffff_ffff }), 'damaged');
    assert.equal(made({ epoch: 0 }), 'damaged');
    for (const dataLength of [0, 1, 11, 508, 511, 513, 0x7fff, 0x8000, 0x800b, 0x81fc, 0xffff]) {
      assert.equal(made({ dataLength }), 'damaged', `${dataLength}`);
    }
    for (const dataLength of [12, 13, 507, 0x800c, 0x81fb]) {
      assert.equal(made({ dataLength }), 'partial', `${dataLength}`);
    }
    assert.equal(made({ dataLength: 0x8200 }), 'whole');
  });

  it('is newer only when its checksum says so: garbage is damage', () => {
    const lsn = 102_400;
    assert.equal(judge(flipped(block(lsn + 51_200), 3000), lsn), 'damaged');
    assert.equal(judge(block(lsn + 51_200, { dataLength: 0x8200 }), lsn), 'overwritten');
  });

  it('of random bytes is never whole or partial', () => {
    for (let seed = 1; seed < 2000; seed++) {
      const bytes = noise(seed * 7919, 512);
      const { number, epoch } = blockTable.decode(bytes);
      const state = judge(bytes, 102_400);
      assert.ok(['damaged', 'overwritten', 'not written yet'].includes(state));
      assert.notDeepEqual([number, epoch], [201, 1]);
    }
  });
});

describe('a scan of blocks', () => {
  it('goes from one file into the next', () => {
    const end = vector('full').subarray(2048);
    const next = vector('next');
    const both = Buffer.concat([end, next]);
    const found = scanBlocks(both, 144_620_544);
    assert.deepEqual(found, { wholeBytes: 2048, encryptedBlocks: 0, stop: 'end of bytes' });
  });

  it('ends at the first block that is not whole, and says what it is', () => {
    const lsn = 1_024_000;
    const good = blocks(lsn, 5);
    const stops = (last: Uint8Array): unknown => {
      const { wholeBytes, stop } = scanBlocks(Buffer.concat([good, last, good]), lsn);
      return wholeBytes === 2560 ? stop : wholeBytes;
    };
    assert.equal(stops(block(lsn + 2560, { dataLength: 100 })), 'partial');
    assert.equal(stops(new Uint8Array(512)), 'not written yet');
    assert.equal(stops(block(lsn + 3072)), 'overwritten');
    assert.equal(stops(flipped(block(lsn + 2560), 999)), 'damaged');
    assert.equal(stops(noChecksum(block(lsn + 2560))), 'no checksum');
  });

  it('counts whole blocks only, wherever the bytes are cut', () => {
    const bytes = vector('live').subarray(2048);
    for (let cut = 0; cut < 14 * 512; cut++) {
      const found = scanBlocks(bytes.subarray(0, cut), live.blocksFrom);
      const wholeBytes = cut - (cut % 512);
      assert.deepEqual(found, { wholeBytes, encryptedBlocks: 0, stop: 'end of bytes' });
    }
  });

  it('begins at the start of a block', () => {
    assert.throws(() => scanBlocks(new Uint8Array(512), 102_401), RangeError);
  });
});

describe('a cut block', () => {
  const lsn = 1_024_000;

  it('is the partial block that the server had written at that LSN', () => {
    const partial = vector('live').slice(2048 + 13 * 512, 2048 + 14 * 512);
    assert.deepEqual(cutBlock(partial, live.lsn), partial);
    const empty = vector('end-12').slice(512, 1024);
    assert.deepEqual(cutBlock(empty, 150_780_428), empty);
    const filled = vector('end-507').slice(512, 1024);
    assert.deepEqual(cutBlock(filled, 150_134_267), filled);
  });

  it('ends at every LSN that a log can end at, and at no other', () => {
    const bytes = vector('live').slice(2048, 2560);
    const copy = Uint8Array.from(bytes);
    for (let at = 0; at < 512; at++) {
      const cut = (): Uint8Array => cutBlock(bytes, live.blocksFrom + at);
      if (at < 12 || at > 507) {
        assert.throws(cut, RangeError, `at ${at}`);
        continue;
      }
      const made = cut();
      assert.equal(judge(made, live.blocksFrom), 'partial');
      assert.equal(blockDataLength(made, 0), at);
      assert.deepEqual(made.subarray(12, at), bytes.subarray(12, at));
      assert.ok(made.subarray(at, 508).every((byte) => byte === 0));
      assert.deepEqual(cutBlock(made, live.blocksFrom + at), made);
    }
    assert.deepEqual(bytes, copy, 'the block itself stays as it was');
  });

  it('keeps its first group of records while that does not begin behind the cut', () => {
    const bytes = block(lsn, { firstRecordGroup: 100 });
    const group = (at: number): number =>
      blockTable.decode(cutBlock(bytes, lsn + at)).firstRecordGroup;
    assert.deepEqual([group(99), group(100), group(101)], [0, 100, 100]);
  });

  it('is not made of a block that ends before', () => {
    const bytes = block(lsn, { dataLength: 100 });
    assert.equal(blockDataLength(cutBlock(bytes, lsn + 100), 0), 100);
    const error = {
      kind: 'truncated',
      field: 'redo block > dataLength',
      message: /100, before 101/,
    };
    assert.throws(() => cutBlock(bytes, lsn + 101), error);
    for (let cut = 0; cut < 512; cut++) {
      assert.throws(() => cutBlock(bytes.subarray(0, cut), lsn + 50), { kind: 'truncated' });
    }
  });

  it('is not made of an encrypted block', () => {
    const bytes = vector('encrypted').subarray(2048);
    const error = { kind: 'invalid', message: /an encrypted block cannot be cut/ };
    assert.throws(() => cutBlock(bytes, encrypted.blocksFrom + 100), error);
  });

  it('is not made of another block or a damaged one', () => {
    const refuses = (bytes: Uint8Array, message: RegExp): void => {
      assert.throws(() => cutBlock(bytes, lsn + 100), { kind: 'invalid', message });
    };
    refuses(block(lsn + 512), /the block for LSN 1024100 is overwritten/);
    refuses(block(lsn - 512), /is not written yet/);
    refuses(flipped(block(lsn), 4000), /is damaged/);
    refuses(noChecksum(block(lsn)), /is no checksum/);
    refuses(withChecksum(noise(5, 512).fill(0x40, 4, 6)), /is (damaged|overwritten)/);
  });
});
