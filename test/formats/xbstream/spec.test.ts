import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as xbstream from '../../../formats/xbstream/index.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';

const layouts = [
  xbstream.chunkPrefix,
  xbstream.payloadBody,
  xbstream.sparseBody,
  xbstream.sparseMapEntry,
  xbstream.seekBody,
  xbstream.renameBody,
];

describe('xbstream.md', () => {
  it('has the field tables of the code, in its order, and no others', () => {
    const table = (index: number): string[][] =>
      specTable('formats/xbstream/xbstream.md', layoutTitles, index);
    assert.deepEqual(
      layouts.map((_, index) => table(index)),
      layouts.map(layoutRows),
    );
    assert.deepEqual(table(layouts.length), []);
  });

  it('names every layout', () => {
    const spec = readFileSync('formats/xbstream/xbstream.md', 'utf8');
    for (const { name } of layouts) assert.ok(spec.includes(`\`${name}\``), name);
  });

  it('states the sizes the layouts have', () => {
    assert.equal(xbstream.chunkPrefix.size + xbstream.payloadBody.size, 34);
    assert.equal(xbstream.chunkPrefix.size + xbstream.sparseBody.size, 38);
    assert.equal(xbstream.seekBody.size, 8);
  });
});
