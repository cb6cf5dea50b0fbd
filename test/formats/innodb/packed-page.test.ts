import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPageCompressed, isPageEncrypted } from '../../../formats/innodb/index.ts';
import { vectors } from './vectors.ts';

/** Page 0 is never packed. */
const plainKind = /header/;

describe('what a page tells of itself', () => {
  for (const { name, format, page } of vectors) {
    it(`is right of ${name}`, () => {
      const compressed = /zlib|lz4|snappy/.test(name) && !plainKind.test(name);
      const encrypted = /encrypted/.test(name) && !plainKind.test(name);
      assert.equal(isPageCompressed(page(), format), compressed, 'compressed');
      assert.equal(isPageEncrypted(page(), format), encrypted, 'encrypted');
    });
  }

  it('is nothing of a page that was never written', () => {
    for (const { format, page } of vectors) {
      const blank = new Uint8Array(page().length);
      assert.ok(!isPageCompressed(blank, format) && !isPageEncrypted(blank, format));
    }
  });
});
