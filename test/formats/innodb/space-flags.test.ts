import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FormatError } from '../../../formats/format-error.ts';
import { parseSpaceFlags } from '../../../formats/innodb/index.ts';

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
      const zip = false;
      const expected = { fullCrc32, pageSize, physicalPageSize, zip, pageCompressed };
      assert.deepEqual(parseSpaceFlags(flags), expected);
    });
  }

  for (const [flags, pageSize, physicalPageSize] of seenZip) {
    it(`reads 0x${flags.toString(16)} as zip pages of ${physicalPageSize} bytes`, () => {
      assert.deepEqual(parseSpaceFlags(flags), {
        fullCrc32: false,
        pageSize,
        physicalPageSize,
        zip: true,
        pageCompressed: false,
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
