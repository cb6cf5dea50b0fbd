import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  blockEpoch,
  blockNumber,
  blockStart,
  brokenFileSizeRule,
  fileEndLsn,
  fileHoldsLsn,
  isEndLsn,
  lsnToOffset,
  parseRedoFileName,
  planRedoFiles,
  redoFileBytesMax,
  redoFileName,
} from '../../../formats/mysql-redo/index.ts';

describe('an LSN', () => {
  it('has the block number and epoch of its block', () => {
    assert.deepEqual([blockNumber(144_773_632), blockEpoch(144_773_632)], [282_762, 1]);
    assert.deepEqual([blockNumber(144_773_858), blockStart(144_773_858)], [282_762, 144_773_632]);
    const wrap = 512 * 2 ** 30;
    assert.deepEqual([blockNumber(wrap - 1), blockEpoch(wrap - 1)], [2 ** 30, 1]);
    assert.deepEqual([blockNumber(wrap), blockEpoch(wrap)], [1, 2]);
    assert.deepEqual([blockNumber(5 * wrap + 512), blockEpoch(5 * wrap + 512)], [2, 6]);
  });

  it('has its place in one file', () => {
    const file = { startLsn: 144_621_568, fileBytes: 262_144 };
    assert.equal(fileEndLsn(file), 144_881_664);
    assert.equal(lsnToOffset(file, 144_621_568), 2048);
    assert.equal(lsnToOffset(file, 144_881_663), 262_143);
    for (const lsn of [144_621_567, 144_881_664]) {
      assert.equal(fileHoldsLsn(file, lsn), false);
      assert.throws(() => lsnToOffset(file, lsn), RangeError);
    }
  });

  it('can be the end of a log when it is not in the frame of a block', () => {
    const ends = Array.from({ length: 512 }, (_, i) => i).filter((i) => isEndLsn(51_200 + i));
    assert.deepEqual([ends.length, ends[0], ends.at(-1)], [496, 12, 507]);
  });
});

describe('the name of a redo file', () => {
  it('has its number', () => {
    for (const number of [0, 7, 12_345, Number.MAX_SAFE_INTEGER]) {
      assert.equal(parseRedoFileName(redoFileName(number)), number);
    }
    assert.equal(redoFileName(7), '#ib_redo7');
  });

  it('is not that of a spare file or of anything else', () => {
    const others = [
      '#ib_redo7_tmp',
      '#ib_redo',
      '#ib_redo07',
      'ib_redo7',
      '#ib_redo7 ',
      '#ib_redo-1',
    ];
    for (const name of [...others, 'x#ib_redo7', '#ib_redo9007199254740992', '#ib_redo1e3', '']) {
      assert.equal(parseRedoFileName(name), undefined, name);
    }
  });
});

describe('the size of a redo file', () => {
  it('is a number of pages from 64 KiB to 16 GiB', () => {
    assert.equal(brokenFileSizeRule(65_536, 16_384), undefined);
    assert.equal(brokenFileSizeRule(redoFileBytesMax, 65_536), undefined);
    assert.match(brokenFileSizeRule(65_535, 1) ?? '', /65535 bytes are below 65536/);
    assert.match(brokenFileSizeRule(redoFileBytesMax + 4096, 4096) ?? '', /are over 17179869184/);
    assert.match(brokenFileSizeRule(69_632, 16_384) ?? '', /multiple of the page size 16384/);
  });
});

describe('the plan of redo files', () => {
  it('is one file with room for one more block', () => {
    const one = (payloadBytes: number): number[] =>
      planRedoFiles(payloadBytes, 16_384).map((file) => file.fileBytes);
    assert.deepEqual(one(0), [65_536]);
    assert.deepEqual(one(65_536 - 2048 - 512), [65_536]);
    assert.deepEqual(one(65_536 - 2048), [81_920]);
    assert.deepEqual(one(redoFileBytesMax - 2048 - 512), [redoFileBytesMax]);
  });

  it('is more files when one does not hold the payload, all but the last of them full', () => {
    assert.deepEqual(planRedoFiles(redoFileBytesMax, 16_384), [
      {
        number: 0,
        payloadOffset: 0,
        payloadBytes: 17_179_867_136,
        fileBytes: redoFileBytesMax,
        full: true,
      },
      {
        number: 1,
        payloadOffset: 17_179_867_136,
        payloadBytes: 2048,
        fileBytes: 65_536,
        full: false,
      },
    ]);
  });

  it('ends in a file without payload when the one before is filled to its end', () => {
    assert.deepEqual(planRedoFiles(63_488, 16_384, 65_536), [
      { number: 0, payloadOffset: 0, payloadBytes: 63_488, fileBytes: 65_536, full: true },
      { number: 1, payloadOffset: 63_488, payloadBytes: 0, fileBytes: 65_536, full: false },
    ]);
  });

  it('lays every payload out without a gap, in files the server takes', () => {
    for (const pageSize of [4096, 8192, 16_384, 32_768, 65_536]) {
      for (let count = 0; count < 700; count++) {
        const files = planRedoFiles(count * 512, pageSize, 131_072);
        let offset = 0;
        for (const [i, file] of files.entries()) {
          const room = file.fileBytes - 2048;
          assert.deepEqual([file.number, file.payloadOffset], [i, offset]);
          assert.equal(brokenFileSizeRule(file.fileBytes, pageSize), undefined);
          assert.equal(file.full, i < files.length - 1);
          assert.ok(file.full ? file.payloadBytes === room : file.payloadBytes + 512 <= room);
          offset += file.payloadBytes;
        }
        assert.equal(offset, count * 512);
      }
    }
  });

  it('is refused for what is not blocks and for sizes without room', () => {
    for (const bytes of [1, 511, -512, NaN, Infinity, 2 ** 53]) {
      assert.throws(() => planRedoFiles(bytes, 16_384), RangeError, `${bytes}`);
    }
    assert.throws(() => planRedoFiles(512, 16_384, 65_535), RangeError);
    for (const pageSize of [0, -4096, 1000, NaN, 2 ** 40]) {
      assert.throws(() => planRedoFiles(512, pageSize), RangeError, `${pageSize}`);
    }
  });
});
