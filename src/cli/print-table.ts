import { shown } from '../shown.ts';

/** A heading; numbers are easier to compare at the right edge. */
export interface Column {
  heading: string;
  alignRight?: boolean;
}

/** The lines of a table, with the cells of hostile texts escaped; none for no rows. */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return '';
  const lines = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map(shown))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => lengthOf(line[at]))));
  return lines.map((line) => lineText(line, columns, widths)).join('');
}

function lineText(line: readonly string[], columns: readonly Column[], widths: number[]): string {
  const cells = line.map((cell, at) => {
    const blanks = ' '.repeat(Math.max(0, (widths[at] ?? 0) - lengthOf(cell)));
    return columns[at]?.alignRight === true ? blanks + cell : cell + blanks;
  });
  return `${cells.join('  ').trimEnd()}\n`;
}

function lengthOf(text: string | undefined): number {
  return Array.from(text ?? '').length;
}
