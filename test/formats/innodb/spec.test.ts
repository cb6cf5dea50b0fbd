import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  filHeader,
  filTrailer,
  fspHeader,
  fullCrc32FilHeader,
  fullCrc32FilTrailer,
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
  ] as const) {
    it(`have the fields of the ${layout.name} as the code has them`, () => {
      const table = specTable(`formats/innodb/${file}`, layoutTitles, layout.name);
      assert.deepEqual(table, layoutRows(layout));
    });
  }

  it('name the page types the code names', () => {
    assert.deepEqual(
      specTable('formats/innodb/fil-header.md', ['type', 'name'], 'Page types'),
      Object.entries(pageTypes),
    );
  });
});
