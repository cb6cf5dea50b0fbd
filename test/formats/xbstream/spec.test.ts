import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as xbstream from '../../../formats/xbstream/index.ts';

const layouts = [
  xbstream.chunkPrefix,
  xbstream.payloadBody,
  xbstream.sparseBody,
  xbstream.sparseMapEntry,
  xbstream.seekBody,
  xbstream.renameBody,
];

/** Every table of the spec with the columns of a layout, its rows joined. */
function specTables(): string[] {
  const tables: string[][] = [];
  let isInside = false;
  for (const line of readFileSync('formats/xbstream/xbstream.md', 'utf8').split('\n')) {
    if (!line.startsWith('|')) {
      isInside = false;
      continue;
    }
    const cells = line.split('|').slice(1, -1);
    const row = cells.map((cell) => cell.trim()).join(' | ');
    if (row === 'offset | type | field | description') {
      isInside = true;
      tables.push([]);
    } else if (isInside && !/^[-| ]+$/.test(row)) tables.at(-1)?.push(row);
  }
  return tables.map((rows) => rows.join('\n'));
}

describe('xbstream.md', () => {
  it('has the field tables of the code, in its order, and no others', () => {
    const expected = layouts.map((layout) =>
      layout
        .rows()
        .map((row) => `${row.offset} | ${row.type} | ${row.field} | ${row.description}`)
        .join('\n'),
    );
    assert.deepEqual(specTables(), expected);
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
