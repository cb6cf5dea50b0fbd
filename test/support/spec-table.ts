// Reads the tables of a specification, which tests hold against the code.

import { readFileSync } from 'node:fs';

/** The columns of a table of fields that a layout is made from. */
export const layoutTitles = ['offset', 'type', 'field', 'description'];

/** A layout's rows as the cells of its table. */
export function layoutRows(layout: {
  rows(): { offset: number; type: string; field: string; description: string }[];
}): string[][] {
  return layout.rows().map((row) => [`${row.offset}`, row.type, row.field, row.description]);
}

/**
 * The cells of a table that has these column titles: the one at `where` in the file, or, with
 * a heading for `where`, the first below it. Empty when there is none.
 */
export function specTable(
  path: string,
  titles: readonly string[],
  where: number | string = 0,
): string[][] {
  const tables: { heading: string; rows: string[][] }[] = [];
  let heading = '';
  let current: string[][] | undefined;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (!line.startsWith('|')) {
      current = undefined;
      if (line.startsWith('#')) heading = line.replace(/^#+ /u, '');
      continue;
    }
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (current === undefined) {
      if (cells.join() !== titles.join()) continue;
      current = [];
      tables.push({ heading, rows: current });
    } else if (!/^-+$/u.test(cells[0] ?? '')) {
      current.push(cells);
    }
  }
  const found =
    typeof where === 'number' ? tables[where] : tables.find((table) => table.heading === where);
  return found?.rows ?? [];
}
