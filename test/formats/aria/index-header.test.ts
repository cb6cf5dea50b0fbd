import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  baseInfo,
  indexHead,
  isOnlineCopyable,
  readIndexHeader,
} from '../../../formats/aria/index.ts';
import { headerBytes } from './vectors.ts';

/** What `aria_chk -dvv` says: crash-safe, page checksums, record format; first key page. */
const expected = [
  ['transactional', true, true, 'block', 8192, 8192],
  ['transactional-no-checksum', true, false, 'block', 8192, 8192],
  ['plain', false, true, 'block', 8192, 8192],
  ['plain-no-checksum', false, false, 'block', 8192, 8192],
  ['dynamic', false, true, 'dynamic', 8192, 8192],
  ['static', false, true, 'static', 8192, 8192],
  ['compressed', false, true, 'compressed', 8192, 8192],
  ['fulltext', true, true, 'block', 8192, 8192],
  ['system-table', true, true, 'block', 8192, 8192],
  ['block-32k', true, true, 'block', 32768, 32768],
  ['many-keys', true, true, 'block', 8192, 49152],
  ['encrypted', true, true, 'block', 8192, 8192],
] as const;

describe('the head of an Aria index file', () => {
  for (const [name, transactional, pageChecksum, dataType, blockSize, keyStart] of expected) {
    it(`is read from a table of kind ${name}`, () => {
      const header = readIndexHeader(headerBytes(name));
      const encrypted = name === 'encrypted';
      assert.deepEqual(header, {
        transactional,
        pageChecksum,
        encrypted,
        blockSize,
        dataType,
        keyStart,
      });
      assert.equal(isOnlineCopyable(header), transactional && pageChecksum && !encrypted);
    });
  }

  it('is encoded to the bytes the server wrote', () => {
    const bytes = headerBytes('transactional');
    const head = indexHead.decode(bytes);
    assert.deepEqual(Buffer.from(indexHead.encode(head)), bytes.subarray(0, indexHead.size));
    const base = bytes.subarray(head.basePosition, head.basePosition + baseInfo.size);
    assert.deepEqual(Buffer.from(baseInfo.encode(baseInfo.decode(base))), base);
    assert.equal(head.keys, 3);
    assert.equal(head.headerBytes, 0x242);
  });

  it('is truncated, not damaged, wherever it is cut before the last field needed', () => {
    const bytes = headerBytes('transactional');
    const enough = indexHead.decode(bytes).basePosition + baseInfo.size;
    for (let length = 0; length < enough; length += 1) {
      assert.throws(() => readIndexHeader(bytes.subarray(0, length)), { kind: 'truncated' });
    }
    assert.equal(readIndexHeader(bytes.subarray(0, enough)).transactional, true);
  });

  for (const [what, at, hex, message] of [
    ['another magic', 3, '04', 'index head > magic at byte 0: 0xfefe0904'],
    [
      'a base info inside the head',
      12,
      '0017',
      'index head > basePosition at byte 12: 23 in 578 bytes',
    ],
    [
      'a base info beyond the header',
      12,
      '01d8',
      'index head > basePosition at byte 12: 472 in 578 bytes',
    ],
    ['an unknown data type', 22, '04', 'index head > dataType at byte 22: 4'],
    [
      'a block size that is no power of two',
      387,
      '2001',
      'base info > blockSize at byte 387: 8193',
    ],
    ['a block size that is too large', 387, 'ffff', 'base info > blockSize at byte 387: 65535'],
    ['a block size of zero', 387, '0000', 'base info > blockSize at byte 387: 0'],
    ['a first key page between two pages', 310, '01', 'base info > keyStart at byte 303: 8193'],
    ['a first key page inside the header', 309, '00', 'base info > keyStart at byte 303: 0'],
  ] as const) {
    it(`is refused with ${what}`, () => {
      const bytes = headerBytes('transactional');
      bytes.write(hex, at, 'hex');
      assert.throws(() => readIndexHeader(bytes), {
        kind: 'invalid',
        message: `${message} is not that of an Aria index file`,
      });
    });
  }

  it('is refused when its first key page is beyond the safe integer range', () => {
    const bytes = headerBytes('transactional');
    bytes[303] = 0x20;
    assert.throws(() => readIndexHeader(bytes), { kind: 'invalid' });
  });
});
