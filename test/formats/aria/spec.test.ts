import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { baseInfo, indexHead, logControl } from '../../../formats/aria/index.ts';

/** The cells of the first table below a heading, without the two rows of its head. */
function tableBelow(file: string, heading: string): string[][] {
  const lines = readFileSync(`formats/aria/${file}`, 'utf8').split('\n');
  const from = lines.indexOf(`## ${heading}`);
  assert.notEqual(from, -1, heading);
  const first = lines.findIndex((line, index) => index > from && line.startsWith('|'));
  const rows: string[][] = [];
  for (let at = first + 2; lines[at]?.startsWith('|') === true; at += 1) {
    rows.push(
      (lines[at] ?? '')
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

describe('the Aria specs', () => {
  for (const [file, layout] of [
    ['index-header.md', indexHead],
    ['index-header.md', baseInfo],
    ['log-control.md', logControl],
  ] as const) {
    it(`have the fields of ${layout.name} as the code has them`, () => {
      const rows = layout
        .rows()
        .map((row) => [String(row.offset), row.type, row.field, row.description]);
      assert.deepEqual(tableBelow(file, layout.name), rows);
    });
  }
});
