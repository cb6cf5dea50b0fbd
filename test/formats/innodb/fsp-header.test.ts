import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  extentPages,
  filHeader,
  fspHeader,
  isDoublewriteArea,
  pageLsn,
  pageLsnNumber,
  readSpaceHeader,
  spaceHeaderBytes,
} from '../../../formats/innodb/index.ts';
import { vector, vectors } from './vectors.ts';

const headers = vectors.filter(({ pageNumber }) => pageNumber === 0);

describe('the space header', () => {
  it('is read from page 0 of every kind of tablespace', () => {
    assert.equal(headers.length, 22);
    for (const { name, page, spaceId, flags } of headers) {
      const header = readSpaceHeader(page().subarray(0, spaceHeaderBytes));
      assert.equal(header?.spaceId, spaceId);
      assert.equal(header.flags, flags);
      assert.ok(header.pages >= 4 || (name.includes('young') && header.pages === 0), name);
    }
  });

  it('decodes and encodes the bytes of a server', () => {
    const page = vector('full-crc32-dynamic-header').page();
    const bytes = page.subarray(filHeader.size, filHeader.size + fspHeader.size);
    assert.equal(bytes.toString('hex'), '0000000700000000000000ec0000010000000013000000d1');
    assert.deepEqual(Buffer.from(fspHeader.encode(fspHeader.decode(bytes))), bytes);
    assert.deepEqual(Buffer.from(filHeader.encode(filHeader.decode(page))), page.subarray(0, 38));
  });

  it('is unknown, not space 0, when page 0 was not written yet', () => {
    assert.equal(readSpaceHeader(new Uint8Array(4096)), undefined);
    assert.equal(readSpaceHeader(new Uint8Array(spaceHeaderBytes)), undefined);
  });

  it('is unknown, not space 0, when only the end of page 0 was written', () => {
    const page = vector('full-crc32-dynamic-header').page();
    page.fill(0, 0, 2048);
    assert.equal(readSpaceHeader(page), undefined);
  });

  it('is refused when only the FIL header of page 0 was written', () => {
    const page = vector('full-crc32-system-header').page();
    page.fill(0, filHeader.size);
    const message = 'FSP header > pages at byte 46: 0 pages in space 0';
    assert.throws(() => readSpaceHeader(page), { kind: 'invalid', message });
  });

  it('is provisional in a new file of MySQL, and only there may the space have no pages', () => {
    const page = vector('mysql-young-header').page();
    assert.deepEqual(readSpaceHeader(page), { spaceId: 2, pages: 0, freeLimit: 0, flags: 0x21 });
    const message = 'FSP header > pages at byte 46: 0 pages in space 2';
    for (const [at, value] of [
      [23, 1],
      [25, 8],
    ] as const) {
      const other = Buffer.from(page);
      other.writeUInt8(value, at);
      assert.throws(() => readSpaceHeader(other), { kind: 'invalid', message });
    }
  });

  it('is refused when its two space ids differ', () => {
    const page = vector('full-crc32-dynamic-header').page();
    page.writeUInt32BE(1234, 34);
    const message = 'FSP header > spaceId at byte 38: 7 differs from 1234 in the FIL header';
    assert.throws(() => readSpaceHeader(page), { kind: 'invalid', message });
  });

  it('is refused on any page but page 0', () => {
    const page = vector('full-crc32-inode').page();
    const message = 'FIL header > pageNumber at byte 4: page 0 says it is page 2';
    assert.throws(() => readSpaceHeader(page), { kind: 'invalid', message });
  });

  it('is truncated, not damaged, when bytes are missing', () => {
    const page = vector('full-crc32-dynamic-header').page();
    for (let length = 0; length < spaceHeaderBytes; length += 1) {
      assert.throws(() => readSpaceHeader(page.subarray(0, length)), { kind: 'truncated' });
    }
  });
});

describe('the LSN of a page', () => {
  it('is the same as bigint and as number', () => {
    for (const { name, page } of vectors) {
      assert.equal(pageLsnNumber(page()) > 0, !name.includes('young'), name);
      assert.equal(pageLsn(page()), BigInt(pageLsnNumber(page())));
    }
  });

  it('is exact up to the largest safe integer and refused beyond', () => {
    const page = Buffer.alloc(4096);
    page.writeBigUInt64BE(0x1f_ffff_ffff_ffffn, 16);
    assert.equal(pageLsnNumber(page), Number.MAX_SAFE_INTEGER);
    page.writeBigUInt64BE(0x20_0000_0000_0000n, 16);
    assert.throws(() => pageLsnNumber(page), { kind: 'invalid' });
    assert.equal(pageLsn(page), 0x20_0000_0000_0000n);
  });
});

describe('the old doublewrite area', () => {
  it('is the second and third extent', () => {
    for (const [pageSize, first, next] of [
      [4096, 256, 768],
      [8192, 128, 384],
      [16384, 64, 192],
      [32768, 64, 192],
      [65536, 64, 192],
    ] as const) {
      assert.equal(extentPages(pageSize), first);
      const inside = [first - 1, first, next - 1, next].map((n) => isDoublewriteArea(n, pageSize));
      assert.deepEqual(inside, [false, true, true, false]);
    }
  });
});
