import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  describePageType,
  filHeader,
  filTrailer,
  fspHeader,
  fullCrc32FilHeader,
  fullCrc32FilTrailer,
  mariadbPageTypes,
  mysqlCompressedHeader,
  mysqlPageTypes,
  pageCompressedHeader,
  pageTypes,
} from '../../../formats/innodb/index.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';

describe('the InnoDB specs', () => {
  for (const [file, layout] of [
    ['fil-header.md', filHeader],
    ['fil-header.md', fullCrc32FilHeader],
    ['fil-header.md', filTrailer],
    ['fil-header.md', fullCrc32FilTrailer],
    ['fsp-header.md', fspHeader],
    ['page-compressed-header.md', pageCompressedHeader],
    ['page-compressed-header.md', mysqlCompressedHeader],
  ] as const) {
    it(`have the fields of the ${layout.name} as the code has them`, () => {
      const table = specTable(`formats/innodb/${file}`, layoutTitles, layout.name);
      assert.deepEqual(table, layoutRows(layout));
    });
  }

  for (const [heading, types] of [
    ['Page types', pageTypes],
    ['Page types of MariaDB alone', mariadbPageTypes],
    ['Page types of MySQL alone', mysqlPageTypes],
  ] as const) {
    it(`name the ${heading.toLowerCase()} that the code names`, () => {
      const table = specTable('formats/innodb/fil-header.md', ['type', 'name'], heading);
      assert.deepEqual(table, Object.entries(types));
    });
  }

  it('call the same number another type in each server', () => {
    assert.equal(describePageType(18, 'mariadb'), 'instant ALTER TABLE root');
    assert.equal(describePageType(18, 'mysql'), 'blob of dictionary information');
    assert.equal(describePageType(17855, 'mysql'), 'B-tree');
    assert.equal(describePageType(14, 'mariadb'), 'type 14');
  });
});
