import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { baseInfo, indexHead, logControl } from '../../../formats/aria/index.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';

describe('the Aria specs', () => {
  for (const [file, layout] of [
    ['index-header.md', indexHead],
    ['index-header.md', baseInfo],
    ['log-control.md', logControl],
  ] as const) {
    it(`have the fields of ${layout.name} as the code has them`, () => {
      const table = specTable(`formats/aria/${file}`, layoutTitles, layout.name);
      assert.deepEqual(table, layoutRows(layout));
    });
  }
});
