import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FormatError } from '../../../formats/format-error.ts';
import { parseMysqlSpaceFlags, parseSpaceFlags } from '../../../formats/innodb/index.ts';

/** Flags as MariaDB 10.11.19 wrote them: full_crc32, page size, size in the file, compression. */
const seen = [
  [0x13, true, 4096, 4096, false],
  [0x14, true, 8192, 8192, false],
  [0x15, true, 16384, 16384, false],
  [0x16, true, 32768, 32768, false],
  [0x17, true, 65536, 65536, false],
  [0x35, true, 16384, 16384, 'zlib'],
  [0x55, true, 16384, 16384, 'lz4'],
  [0x75, true, 16384, 16384, 'lzo'],
  [0x93, true, 4096, 4096, 'lzma'],
  [0xb7, true, 65536, 65536, 'bzip2'],
  [0xd6, true, 32768, 32768, 'snappy'],
  [0x0, false, 16384, 16384, false],
  [0x21, false, 16384, 16384, false],
  [0xc0, false, 4096, 4096, false],
  [0xe1, false, 4096, 4096, false],
  [0x121, false, 8192, 8192, false],
  [0x1a1, false, 32768, 32768, false],
  [0x1e1, false, 65536, 65536, false],
  [0x10021, false, 16384, 16384, true],
  [0x101e1, false, 65536, 65536, true],
] as const;

/** The same of ROW_FORMAT=COMPRESSED: page size, size in the file. */
const seenZip = [
  [0x23, 16384, 1024],
  [0x25, 16384, 2048],
  [0x27, 16384, 4096],
  [0x29, 16384, 8192],
  [0x2b, 16384, 16384],
  [0xe3, 4096, 1024],
  [0xe7, 4096, 4096],
  [0x129, 8192, 8192],
] as const;

describe('space flags', () => {
  for (const [flags, fullCrc32, pageSize, physicalPageSize, pageCompressed] of seen) {
    it(`reads 0x${flags.toString(16)} as the server meant it`, () => {
      assert.deepEqual(parseSpaceFlags(flags), {
        flavour: 'mariadb',
        fullCrc32,
        pageSize,
        physicalPageSize,
        zip: false,
        pageCompressed,
        encrypted: undefined,
      });
    });
  }

  for (const [flags, pageSize, physicalPageSize] of seenZip) {
    it(`reads 0x${flags.toString(16)} as zip pages of ${physicalPageSize} bytes`, () => {
      assert.deepEqual(parseSpaceFlags(flags), {
        flavour: 'mariadb',
        fullCrc32: false,
        pageSize,
        physicalPageSize,
        zip: true,
        pageCompressed: false,
        encrypted: undefined,
      });
    });
  }

  for (const [flags, why] of [
    [0x12, 'page size code 2'],
    [0x18, 'page size code 8'],
    [0xf5, 'compression algorithm 7'],
    [0x115, 'reserved bits are set'],
    [0x8000_0015, 'reserved bits are set'],
    [0x161, 'page size code 5'],
    [0x4021, 'reserved bits are set'],
    [0x8000_0021, 'reserved bits are set'],
    [0x2d, 'zip page of 32768 bytes in pages of 16384'],
    [0xe9, 'zip page of 8192 bytes in pages of 4096'],
    [0x22, 'zip pages without the row format they need'],
    [0x1_0029, 'both zip and page_compressed'],
    [0x1ab, 'zip page of 16384 bytes in pages of 32768'],
  ] as const) {
    it(`refuses 0x${flags.toString(16)}: ${why}`, () => {
      const message = `FSP header > flags at byte 54: 0x${flags.toString(16)}: ${why}`;
      assert.throws(
        () => parseSpaceFlags(flags),
        (error) =>
          error instanceof FormatError && error.kind === 'invalid' && error.message === message,
      );
    });
  }
});

/** Flags as MySQL 9.7.4 wrote them: page size, size in the file, encrypted. */
const seenMysql = [
  [0x0, 16384, 16384, false],
  [0x2000, 16384, 16384, true],
  [0x4000, 16384, 16384, false],
  [0x4021, 16384, 16384, false],
  [0x4421, 16384, 16384, false],
  [0x4800, 16384, 16384, false],
  [0x6021, 16384, 16384, true],
  [0x6800, 16384, 16384, true],
  [0x4023, 16384, 1024, false],
  [0x4025, 16384, 2048, false],
  [0x4827, 16384, 4096, false],
  [0x6029, 16384, 8192, true],
  [0x402b, 16384, 16384, false],
  [0x40c0, 4096, 4096, false],
  [0x44e1, 4096, 4096, false],
  [0x48e3, 4096, 1024, false],
  [0x60e7, 4096, 4096, true],
  [0x2100, 8192, 8192, true],
  [0x6129, 8192, 8192, true],
  [0x45a1, 32768, 32768, false],
  [0x6980, 32768, 32768, true],
  [0x41c0, 65536, 65536, false],
  [0x61e1, 65536, 65536, true],
] as const;

describe('space flags of MySQL', () => {
  for (const [flags, pageSize, physicalPageSize, encrypted] of seenMysql) {
    it(`reads 0x${flags.toString(16)} as the server meant it`, () => {
      assert.deepEqual(parseMysqlSpaceFlags(flags), {
        flavour: 'mysql',
        fullCrc32: false,
        pageSize,
        physicalPageSize,
        zip: (flags & 0x1e) !== 0,
        pageCompressed: undefined,
        encrypted,
      });
    });
  }

  for (const [flags, why] of [
    [0x8021, 'reserved bits are set'],
    [0x1_0021, 'reserved bits are set'],
    [0x8000_0021, 'reserved bits are set'],
    [0x40a1, 'page size code 2'],
    [0x4161, 'page size code 5'],
    [0x4221, 'page size code 8'],
    [0x402d, 'zip page of 32768 bytes in pages of 16384'],
    [0x4035, 'zip page of 524288 bytes in pages of 16384'],
    [0x40e9, 'zip page of 8192 bytes in pages of 4096'],
    [0x41a9, 'zip page of 8192 bytes in pages of 32768'],
    [0x4022, 'zip pages without the row format they need'],
    [0x4009, 'zip pages without the row format they need'],
  ] as const) {
    it(`refuses 0x${flags.toString(16)}: ${why}`, () => {
      const message = `FSP header > flags at byte 54: 0x${flags.toString(16)}: ${why}`;
      assert.throws(() => parseMysqlSpaceFlags(flags), { kind: 'invalid', message });
    });
  }

  it('are read as sizes that exist, whatever they are, or refused', () => {
    let read = 0;
    for (let flags = 0; flags < 0x1_0000; flags += 1) {
      let format;
      try {
        format = parseMysqlSpaceFlags(flags);
      } catch (error) {
        assert.ok(error instanceof FormatError && error.kind === 'invalid');
        continue;
      }
      read += 1;
      assert.ok([4096, 8192, 16384, 32768, 65536].includes(format.pageSize));
      assert.ok(format.physicalPageSize >= 1024 && format.physicalPageSize <= format.pageSize);
      assert.equal(format.zip || format.physicalPageSize === format.pageSize, true);
    }
    // Of each 32 values of bits 10 to 14: 5 sizes with the 4 of bits 0 and 5, and 12 of zip.
    assert.equal(read, 32 * (5 * 4 + 12));
  });
});
