import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';

import {
  createPageCheck,
  describePageFault,
  isBlankPage,
  isUnproven,
  type PageFault,
} from '../../../formats/innodb/index.ts';
import { vector, vectors, type Vector } from './vectors.ts';

function check({ format, spaceId, pageNumber }: Vector, page: Uint8Array): PageFault | undefined {
  return createPageCheck(format, { spaceId })(page, pageNumber);
}

/** Runs of bytes no rule covers, as page-check.md has them: pairs of first and last byte. */
function uncovered({ format, spaceId, page }: Vector): [number, number][] {
  const bytes = page();
  const size = bytes.length;
  const type = bytes.readUInt16BE(24);
  if (format.flavour === 'mysql') {
    if (type === 14) {
      const hole: [number, number] = [38 + bytes.readUInt16BE(32), size - 1];
      if (bytes.readUInt32BE(0) !== 0xdeadbeef) return [hole];
      return [[8, 19], [28, 29], hole];
    }
    const split: [number, number] = [26, spaceId === 0 ? 37 : 33];
    return format.zip ? [[16, 23], split] : [split];
  }
  if (format.fullCrc32) return type < 0x8000 ? [] : [[(type & 0x7fff) * 256, size - 1]];
  if (type === 34354) {
    return [
      [8, 15],
      [34, 37],
      [40 + bytes.readUInt16BE(38), size - 1],
    ];
  }
  const encrypted = bytes.readUInt32BE(26) !== 0;
  if (format.zip) {
    const lsn: [number, number] = [16, 23];
    return encrypted ? [[0, 3], lsn, [26, 29]] : [lsn, [26, 33]];
  }
  if (!encrypted) return [[26, 37]];
  const head: [number, number][] = [
    [0, 3],
    [26, 29],
    [34, 37],
  ];
  return [...head, [size - 8, type === 37401 ? size - 1 : size - 5]];
}

describe('the page check', () => {
  for (const one of vectors) {
    it(`passes ${one.name}`, () => {
      assert.equal(check(one, one.page()), undefined);
      assert.equal(isBlankPage(one.page(), one.format.fullCrc32), false);
    });
  }

  for (const one of vectors.filter((one) => !isUnproven(one.page()))) {
    it(`finds a damaged byte anywhere in ${one.name}, but for those no rule covers`, () => {
      const free = uncovered(one);
      const page = one.page();
      const compressed = [14, 34354].includes(page.readUInt16BE(24));
      const step = page.length > 4096 || compressed ? 13 : 3;
      for (let at = 0; at < page.length; at += at < 64 || at > page.length - 64 ? 1 : step) {
        const covered = !free.some(([first, last]) => at >= first && at <= last);
        page[at] = (page[at] ?? 0) ^ 0x41;
        assert.equal(check(one, page) !== undefined, covered, `byte ${at}`);
        page[at] = (page[at] ?? 0) ^ 0x41;
      }
    });
  }

  for (const kind of [
    'full-crc32-leaf',
    'full-crc32-encrypted',
    'full-crc32-zlib',
    'crc32-leaf',
    'crc32-encrypted',
    'crc32-zlib',
    'zip-4k',
    'zip-4k-encrypted',
    'mysql-leaf',
    'mysql-zlib',
    'mysql-zip-4k',
    'mysql-innodb-leaf',
    'mysql-innodb-zip-4k',
    'mysql-none-leaf',
  ]) {
    it(`finds a torn page among ${kind}, whichever half is the newer`, () => {
      const older = vector(`${kind}-old`);
      const newer = vector(`${kind}-new`);
      const middle = kind.endsWith('zlib') ? 1024 : older.page().length / 2;
      for (const [head, tail] of [
        [older, newer],
        [newer, older],
      ] as const) {
        const torn = head.page();
        torn.set(tail.page().subarray(middle), middle);
        assert.notEqual(check(head, torn), undefined);
      }
    });
  }

  it('passes a page of zeros in every format and every place', () => {
    for (const one of vectors) {
      const zeros = new Uint8Array(one.format.physicalPageSize);
      assert.equal(check(one, zeros), undefined);
      assert.equal(isBlankPage(zeros, one.format.fullCrc32), true);
    }
  });

  it('finds a single byte in a page of zeros', () => {
    for (const one of vectors) {
      for (const at of [1, 7, 20, 24, 100, one.format.physicalPageSize - 1]) {
        const page = new Uint8Array(one.format.physicalPageSize);
        page[at] = 1;
        assert.notEqual(check(one, page), undefined, `${one.name} byte ${at}`);
      }
    }
  });

  it('passes a page of zeros with leftovers before the space id only in the older format', () => {
    for (const name of ['full-crc32-leaf-old', 'crc32-leaf-old', 'zip-1k']) {
      const one = vector(name);
      const page = new Uint8Array(one.format.physicalPageSize).fill(1, 26, 34);
      assert.equal(check(one, page) === undefined, !one.format.fullCrc32, name);
    }
  });

  it("finds a page that stands in the wrong place, but not in MariaDB's space 0", () => {
    for (const { format, page, pageNumber } of vectors) {
      const other = pageNumber + 1;
      const fault = createPageCheck(format, { spaceId: 5 })(page(), other);
      assert.deepEqual(fault, { rule: 'page number', stored: pageNumber, computed: other });
      if (format.flavour === 'mysql') continue;
      assert.equal(createPageCheck(format, { spaceId: 0 })(page(), other), undefined);
    }
  });

  it('throws, as for bytes not yet there, when the page is cut', () => {
    for (const one of vectors) {
      const cut = one.page().subarray(0, -1);
      assert.throws(() => check(one, cut), { kind: 'truncated' });
      assert.throws(() => check(one, new Uint8Array(0)), { kind: 'truncated' });
      const long = Buffer.concat([one.page(), Buffer.alloc(1)]);
      assert.throws(() => check(one, long), { kind: 'invalid' });
    }
  });
});

describe('a page written without a checksum', () => {
  it('passes in the older format when its two LSNs agree', () => {
    const one = vector('crc32-leaf-old');
    const page = one.page();
    page.writeUInt32BE(0xdeadbeef, 0);
    assert.equal(check(one, page)?.rule, 'checksum');
    page.writeUInt32BE(0xdeadbeef, page.length - 8);
    assert.equal(check(one, page), undefined);
    assert.equal(isUnproven(page), true);
    page.writeUInt32BE(1, page.length - 4);
    assert.equal(check(one, page)?.rule, 'lsn trailer');
  });

  it('passes with ROW_FORMAT=COMPRESSED, where nothing else can be checked', () => {
    const one = vector('zip-2k');
    const page = one.page();
    page.writeUInt32BE(0xdeadbeef, 0);
    assert.equal(check(one, page), undefined);
  });

  it('is a fault in full_crc32', () => {
    const one = vector('full-crc32-leaf-old');
    const page = one.page();
    page.writeUInt32BE(0xdeadbeef, page.length - 4);
    assert.equal(check(one, page)?.rule, 'checksum');
  });
});

describe('a compressed page', () => {
  it('of full_crc32 is refused when it says it is empty or as long as a whole page', () => {
    const one = vector('full-crc32-16k-zlib');
    for (const units of [0, 64, 65, 0x7fff]) {
      const page = one.page();
      page.writeUInt16BE(0x8000 | units, 24);
      const fault = { rule: 'compressed length', stored: units * 256, computed: 16128 };
      assert.deepEqual(check(one, page), fault);
    }
  });

  it('of the older format is refused when its length goes beyond the page', () => {
    const one = vector('crc32-16k-zlib');
    for (const length of [0, 16345, 65535]) {
      const page = one.page();
      page.writeUInt16BE(length, 38);
      assert.equal(check(one, page)?.rule, 'compressed length');
    }
  });

  it('of the older format is refused when it inflates to more or less than a page', () => {
    const one = vector('crc32-16k-zlib');
    for (const size of [0, 16383, 16385, 5_000_000]) {
      const page = one.page();
      const data = deflateSync(Buffer.alloc(size));
      page.writeUInt16BE(data.length, 38);
      page.set(data, 40);
      assert.equal(check(one, page)?.rule, 'compressed data', String(size));
    }
  });

  it('of the older format is refused when the page inside has another LSN', () => {
    const one = vector('crc32-16k-zlib');
    const page = one.page();
    page.writeUInt32BE(7, 20);
    assert.equal(check(one, page)?.rule, 'compressed page');
  });

  it('of the older format is refused when its algorithm is unknown', () => {
    const one = vector('crc32-16k-zlib');
    for (const algorithm of [0n, 7n, 1n << 32n]) {
      const page = one.page();
      page.writeBigUInt64BE(algorithm, 26);
      assert.equal(check(one, page)?.rule, 'compressed algorithm');
    }
  });

  it('of the older format is unproven when it is not of zlib', () => {
    const unproven = vectors.filter((one) => isUnproven(one.page()));
    assert.deepEqual(
      unproven.map(({ name }) => name).filter((name) => !name.startsWith('mysql')),
      ['crc32-lz4'],
    );
    const one = vector('crc32-lz4');
    const page = one.page();
    page.writeUInt8(page.readUInt8(100) ^ 1, 100);
    assert.equal(check(one, page), undefined);
    page.writeUInt32BE(0, 0);
    assert.equal(check(one, page)?.rule, 'compressed magic');
  });
});

describe('a page fault', () => {
  it('is told in one line', () => {
    const told = [
      describePageFault({ rule: 'checksum', stored: 1, computed: 0xdead_beef }),
      describePageFault({ rule: 'page number', stored: 3, computed: 4 }),
      describePageFault({ rule: 'space id', stored: 5, computed: 0xffff_fffe }),
    ];
    assert.deepEqual(told, [
      'checksum 0x00000001, expected 0xdeadbeef',
      'page number 3, expected 4',
      'space id 5, expected 4294967294',
    ]);
  });
});
