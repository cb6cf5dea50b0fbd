import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';

import {
  crc32Checksum,
  createPageCheck,
  isUnproven,
  legacyChecksum,
  legacyTrailerChecksum,
  legacyZipChecksum,
  parseSpaceFlags,
  type PageFault,
} from '../../../formats/innodb/index.ts';
import { seededRandom } from '../../support/random.ts';
import { vector, vectors, type Vector } from './vectors.ts';

const mysql = vectors.filter(({ format }) => format.flavour === 'mysql');
const unproven = mysql.filter((one) => isUnproven(one.page()));

function check({ format, spaceId, pageNumber }: Vector, page: Uint8Array): PageFault | undefined {
  return createPageCheck(format, { spaceId })(page, pageNumber);
}

/** The fault of a vector after a change to its page. */
function after(name: string, change: (page: Buffer) => void): PageFault | undefined {
  const one = vector(name);
  const page = one.page();
  change(page);
  return check(one, page);
}

describe('the place of a page of MySQL', () => {
  it('is in its own tablespace and no other', () => {
    for (const { format, spaceId, pageNumber, page } of mysql) {
      if (spaceId === 0) continue;
      const fault = createPageCheck(format, { spaceId: 77 })(page(), pageNumber);
      assert.deepEqual(fault, { rule: 'space id', stored: spaceId, computed: 77 });
    }
  });

  it('is checked in the system tablespace, but for pages with the number 0', () => {
    const trxSys = vector('mysql-trx-sys');
    const system = createPageCheck(trxSys.format, { spaceId: 0 });
    const fault = { rule: 'page number', stored: 5, computed: 6 };
    assert.deepEqual(system(trxSys.page(), 6), fault);
    assert.equal(system(vector('mysql-system-header').page(), 6), undefined);
    assert.equal(system(vector('mysql-leaf-old').page(), 8), undefined);
  });

  it('is checked alike in undo tablespaces and the dictionary, whose ids are the highest', () => {
    for (const [name, id] of [
      ['mysql-undo', 0xffff_ffef],
      ['mysql-dictionary-leaf', 0xffff_fffe],
    ] as const) {
      const one = vector(name);
      assert.equal(one.spaceId, id);
      assert.equal(createPageCheck(one.format, one)(one.page(), 1)?.rule, 'page number');
      const other = createPageCheck(one.format, { spaceId: id - 1 });
      assert.equal(other(one.page(), one.pageNumber)?.rule, 'space id');
    }
  });
});

describe('a checksum of innodb_checksum_algorithm=innodb', () => {
  it('is computed as the server does', () => {
    const leaf = vector('mysql-innodb-leaf-old').page();
    assert.equal(leaf.subarray(0, 4).toString('hex'), 'ebb4d53f');
    assert.equal(legacyChecksum(leaf), leaf.readUInt32BE(0));
    assert.equal(legacyTrailerChecksum(leaf), leaf.readUInt32BE(leaf.length - 8));
    for (const name of ['mysql-innodb-zip-4k-old', 'mysql-innodb-zip-1k']) {
      const zip = vector(name).page();
      assert.equal(legacyZipChecksum(zip), zip.readUInt32BE(0));
    }
  });

  it('is as good as crc32 in both servers', () => {
    for (const name of [
      'mysql-innodb-leaf-old',
      'mysql-innodb-leaf-new',
      'mysql-innodb-zip-4k-old',
    ]) {
      const { page, pageNumber, flags, spaceId } = vector(name);
      const mariadb = createPageCheck(parseSpaceFlags(flags & 0x3ff), { spaceId });
      assert.equal(mariadb(page(), pageNumber), undefined, name);
      const torn = page();
      torn.writeUInt8(torn.readUInt8(900) ^ 1, 900);
      assert.equal(mariadb(torn, pageNumber)?.rule, 'checksum', name);
    }
  });

  it('is a fault when the other of the two is of crc32', () => {
    const innodb = after('mysql-innodb-leaf-old', (page) => {
      page.writeUInt32BE(crc32Checksum(page), page.length - 8);
    });
    assert.equal(innodb?.rule, 'second checksum');
    const crc32 = after('mysql-leaf-old', (page) => {
      page.writeUInt32BE(legacyTrailerChecksum(page), page.length - 8);
    });
    assert.equal(crc32?.rule, 'second checksum');
  });

  it('is a fault when it is 0 and the trailer holds only the LSN, as before MySQL 4.1', () => {
    const fault = after('mysql-innodb-leaf-old', (page) => {
      page.writeUInt32BE(0, 0);
      page.copy(page, page.length - 8, 16, 24);
    });
    assert.equal(fault?.rule, 'checksum');
  });
});

describe('a compressed page of MySQL', () => {
  for (const [what, at, bytes, rule] of [
    ['its version is 0', 26, [0], 'compressed version'],
    ['its version is unknown', 26, [3], 'compressed version'],
    ['its algorithm is none', 27, [0], 'compressed algorithm'],
    ['its algorithm is unknown', 27, [3], 'compressed algorithm'],
    ['the page inside has another size', 30, [0x3f, 0xd9], 'compressed original length'],
    ['it is empty', 32, [0, 0], 'compressed length'],
    ['it is as long as the page inside', 32, [0x3f, 0xda], 'compressed length'],
    ['it goes beyond the page', 32, [0xff, 0xff], 'compressed length'],
  ] as const) {
    it(`is refused when ${what}, encrypted or not`, () => {
      for (const name of ['mysql-zlib-old', 'mysql-lz4', 'mysql-zlib-encrypted']) {
        const fault = after(name, (page) => {
          page.set(bytes, at);
        });
        assert.equal(fault?.rule, rule, name);
      }
    });
  }

  it('is refused when its length is not that of the zlib stream', () => {
    for (const [more, rule] of [
      [-1, 'compressed data'],
      [1, 'compressed length'],
    ] as const) {
      const fault = after('mysql-zlib-old', (page) => {
        page.writeUInt16BE(page.readUInt16BE(32) + more, 32);
      });
      assert.equal(fault?.rule, rule);
    }
  });

  it('is refused when it inflates to more or less than a page', () => {
    for (const size of [0, 16345, 16347, 5_000_000]) {
      const fault = after('mysql-zlib-old', (page) => {
        const data = deflateSync(Buffer.alloc(size));
        page.writeUInt16BE(data.length, 32);
        page.set(data, 38);
      });
      assert.equal(fault?.rule, 'compressed data', String(size));
    }
  });

  it('is refused when the page inside is not whole', () => {
    const fault = after('mysql-zlib-old', (page) => {
      const data = deflateSync(Buffer.alloc(16346, 1));
      page.writeUInt16BE(data.length, 32);
      page.set(data, 38);
    });
    assert.equal(fault?.rule, 'checksum');
  });

  it('may have a page inside with any of the three checksums', () => {
    for (const name of ['mysql-zlib-old', 'mysql-innodb-zlib', 'mysql-none-zlib']) {
      const one = vector(name);
      assert.equal(one.page().readUInt16BE(24), 14);
      assert.equal(check(one, one.page()), undefined);
    }
  });

  it("is no page of MariaDB's, and MariaDB's is none of MySQL's", () => {
    for (const [name, flags] of [
      ['mysql-zlib-old', 0x1_0021],
      ['mysql-encrypted-old', 0xe1],
    ] as const) {
      const { page, pageNumber, spaceId } = vector(name);
      const mariadb = createPageCheck(parseSpaceFlags(flags), { spaceId });
      assert.notEqual(mariadb(page(), pageNumber), undefined);
    }
    const { page, pageNumber, spaceId } = vector('crc32-16k-zlib');
    const format = vector('mysql-16k-leaf').format;
    assert.notEqual(createPageCheck(format, { spaceId })(page(), pageNumber), undefined);
  });
});

describe('a page of MySQL without a proof', () => {
  it('is encrypted, compressed with lz4, or without a checksum', () => {
    assert.deepEqual(
      unproven.map(({ name }) => name.replace('mysql-', '')),
      [
        'undo-encrypted',
        'zip-4k-encrypted',
        'encrypted-old',
        'encrypted-new',
        'rtree-encrypted',
        'lz4',
        'zlib-encrypted',
        'lz4-encrypted',
        'none-header',
        'none-leaf-old',
        'none-leaf-new',
        'none-zip-4k-old',
        'none-zip-4k-new',
        'none-zip-1k',
      ],
    );
  });

  it('passes when its middle is that of another version', () => {
    for (const kind of ['mysql-encrypted', 'mysql-none-leaf', 'mysql-none-zip-4k']) {
      const older = vector(`${kind}-old`);
      const torn = older.page();
      torn.set(vector(`${kind}-new`).page().subarray(1024, 3072), 1024);
      assert.notDeepEqual(torn, older.page());
      assert.equal(check(older, torn), undefined);
    }
  });

  for (const one of unproven) {
    it(`still shows damage to what can be checked of ${one.name}`, () => {
      const page = one.page();
      const covered = coveredBytes(one);
      for (let at = 0; at < page.length; at += at < 64 || at > page.length - 64 ? 1 : 13) {
        page[at] = (page[at] ?? 0) ^ 0x41;
        assert.equal(check(one, page) !== undefined, covered.has(at), `byte ${at}`);
        page[at] = (page[at] ?? 0) ^ 0x41;
      }
    });
  }
});

type Run = [first: number, last: number];

/** The bytes of an unproven page that some rule covers, as page-check.md has them. */
function coveredBytes({ format, page }: Vector): Set<number> {
  const bytes = page();
  const size = bytes.length;
  const type = bytes.readUInt16BE(24);
  const place: Run[] = [
    [4, 7],
    [34, 37],
  ];
  // 0x41 in the high byte of the length at 32 makes it go beyond the page.
  const compressed: Run[] = [
    [26, 27],
    [30, 32],
  ];
  const lsn: Run[] = [
    [20, 23],
    [size - 8, size - 1],
  ];
  const runs: Run[] = [...place];
  if (type === 14 || type === 16) runs.push(...compressed);
  if (type >= 14 && type <= 17) runs.push([24, 25]);
  else runs.push([0, 3], ...(format.zip ? [] : lsn));
  return new Set(
    runs.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    ),
  );
}

describe('random bytes', () => {
  it('are never a page of MySQL', () => {
    for (const one of mysql) {
      const random = seededRandom(one.pageNumber);
      const page = Buffer.from(
        Array.from({ length: one.format.physicalPageSize }, () => random.below(256)),
      );
      assert.notEqual(check(one, page), undefined);
      for (const type of [14, 15, 16, 17]) {
        page.writeUInt16BE(type, 24);
        assert.notEqual(check(one, page), undefined);
      }
    }
  });
});
