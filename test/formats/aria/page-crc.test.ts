import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createAriaPageCheck, type AriaPageFault } from '../../../formats/aria/index.ts';
import { page, pages, type PageVector } from './vectors.ts';

function check(
  { header, file, pageNumber }: PageVector,
  bytes: Uint8Array,
): AriaPageFault | undefined {
  return createAriaPageCheck(header, file)(bytes, pageNumber);
}

const withCrc = pages.filter(({ name }) => !/no-checksum|empty-bitmap|encrypted/u.test(name));

/** Where the bytes a CRC covers end: page-crc.md. */
function coveredEnd({ header, file, page }: PageVector): number {
  if (file === 'data') return header.blockSize - 4;
  return page().readUInt16BE(header.transactional ? 15 : 2) & 0x7fff;
}

describe('the Aria page check', () => {
  for (const one of pages) {
    it(`passes ${one.name}`, () => {
      assert.equal(check(one, one.page()), undefined);
    });
  }

  for (const one of withCrc) {
    it(`finds a damaged byte anywhere the CRC of ${one.name} reaches`, () => {
      const bytes = one.page();
      const end = coveredEnd(one);
      const step = bytes.length > 8192 ? 13 : 3;
      for (let at = 0; at < bytes.length; at += at < 64 || at > bytes.length - 64 ? 1 : step) {
        const covered = at < end || at >= bytes.length - 4;
        bytes[at] = (bytes[at] ?? 0) ^ 0x41;
        assert.equal(check(one, bytes) !== undefined, covered, `byte ${at}`);
        bytes[at] = (bytes[at] ?? 0) ^ 0x41;
      }
    });
  }

  for (const [kind, middle] of [
    ['pair-index', 2000],
    ['pair-data', 4096],
  ] as const) {
    it(`finds a torn page among ${kind}, whichever half is the newer`, () => {
      const older = page(`${kind}-old`);
      const newer = page(`${kind}-new`);
      for (const [head, tail] of [
        [older, newer],
        [newer, older],
      ] as const) {
        const torn = head.page();
        torn.set(tail.page().subarray(middle), middle);
        assert.equal(check(head, torn)?.rule, 'checksum');
      }
    });
  }

  it('finds a page that stands in the wrong place', () => {
    for (const one of withCrc) {
      const other = { ...one, pageNumber: one.pageNumber + 1 };
      assert.equal(check(other, one.page())?.rule, 'checksum', one.name);
    }
  });

  it('finds a used length beyond the page or inside its header', () => {
    const one = page('index-transactional');
    for (const used of [0, 16, 8189, 0x7fff]) {
      const bytes = one.page();
      bytes.writeUInt16BE(used, 15);
      assert.deepEqual(check(one, bytes), { rule: 'used length', stored: used, computed: 8188 });
    }
  });

  it('passes a page of zeros, and finds a single byte in one', () => {
    for (const one of withCrc) {
      const zeros = new Uint8Array(one.header.blockSize);
      assert.equal(check(one, zeros), undefined);
      zeros[3] = 1;
      assert.notEqual(check(one, zeros), undefined);
    }
  });

  it('has nothing to check in the header of the index file', () => {
    const { header } = page('index-transactional');
    const garbage = new Uint8Array(8192).fill(7);
    const inHeader = createAriaPageCheck(header, 'index');
    assert.equal(inHeader(garbage, 0), undefined);
    assert.notEqual(inHeader(garbage, 1), undefined);
  });

  it('has nothing to check without page checksums or in a data file without pages', () => {
    const { header } = page('data-plain');
    const garbage = new Uint8Array(8192).fill(7);
    assert.notEqual(createAriaPageCheck(header, 'data')(garbage, 1), undefined);
    const unchecked = createAriaPageCheck({ ...header, pageChecksum: false }, 'data');
    assert.equal(unchecked(garbage, 1), undefined);
    const rows = createAriaPageCheck({ ...header, dataType: 'dynamic' }, 'data');
    assert.equal(rows(garbage, 1), undefined);
  });

  it('throws, as for bytes not yet there, when the page is cut', () => {
    for (const one of pages) {
      const bytes = one.page();
      assert.throws(() => check(one, bytes.subarray(0, -1)), { kind: 'truncated' });
      assert.throws(() => check(one, Buffer.concat([bytes, bytes])), { kind: 'invalid' });
    }
  });
});
