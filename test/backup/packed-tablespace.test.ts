import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isPacked } from '../../src/backup/copy/packed-tablespace.ts';
import { type Vector, vector } from '../formats/innodb/vectors.ts';
import { writeTable } from './table-file.ts';

/** A file of these pages behind three plain ones; what is told of it. */
function told(kind: Vector, pages: readonly Buffer[]): boolean {
  const blockSize = kind.page().length;
  const start = Buffer.alloc(3 * blockSize, 1);
  const bytes = Buffer.concat([start, ...pages]);
  const path = writeTable(bytes);
  const fd = openSync(path, 'r');
  const check = undefined;
  try {
    const file = { fd, path, blockSize, size: bytes.length, mayShrink: false, check };
    return isPacked(file, kind.format);
  } finally {
    closeSync(fd);
  }
}

const times = (count: number, page: Buffer): Buffer[] => Array.from({ length: count }, () => page);

describe('a tablespace', () => {
  for (const [packed, plain] of [
    ['full-crc32-zlib-new', 'full-crc32-leaf-new'],
    ['full-crc32-encrypted-new', 'full-crc32-leaf-new'],
    ['crc32-zlib-new', 'crc32-leaf-new'],
    ['crc32-encrypted-new', 'crc32-leaf-new'],
    ['mysql-zlib-new', 'mysql-16k-leaf'],
    ['mysql-encrypted-new', 'mysql-leaf-new'],
  ] as const) {
    const kind = vector(packed);
    const [yes, no] = [kind.page(), vector(plain).page()];
    const blank = Buffer.alloc(yes.length);

    it(`is packed when most of its pages are like ${packed}, wherever they are`, () => {
      assert.ok(told(kind, times(1, yes)));
      assert.ok(told(kind, times(100, yes)));
      assert.ok(told(kind, [...times(30, no), ...times(70, yes)]));
      assert.ok(told(kind, [...times(70, yes), ...times(30, no)]));
      assert.ok(told(kind, [yes, ...times(200, blank)]), 'blank pages do not count');
    });

    it(`is not packed when most of its pages are like ${plain}, or all are blank`, () => {
      assert.ok(!told(kind, times(1, no)));
      assert.ok(!told(kind, times(100, no)));
      assert.ok(!told(kind, [...times(70, no), ...times(30, yes)]));
      assert.ok(!told(kind, [...times(30, yes), ...times(70, no)]));
      assert.ok(!told(kind, [yes, no]), 'half of them');
      assert.ok(!told(kind, times(100, blank)));
      assert.ok(!told(kind, []));
    });
  }

  it('is judged by the pages that are whole', () => {
    const kind = vector('mysql-zlib-new');
    assert.ok(told(kind, [kind.page(), kind.page().subarray(0, 100)]));
  });
});
