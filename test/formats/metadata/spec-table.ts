import { readFileSync } from 'node:fs';

/** The cells of the first table of a spec that has these column titles. */
export function specTable(path: string, titles: readonly string[], index = 0): string[][] {
  const tables: string[][][] = [];
  let current: string[][] | undefined;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (!line.startsWith('|')) {
      current = undefined;
      continue;
    }
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (current === undefined) {
      if (cells.join() !== titles.join()) continue;
      current = [];
      tables.push(current);
    } else if (!/^-+$/u.test(cells[0] ?? '')) {
      current.push(cells);
    }
  }
  return tables[index] ?? [];
}
