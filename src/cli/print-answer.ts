/** What a line of an answer is about, and what it is. */
export type Row = readonly [label: string, value: string];

/** The answer of a command that was asked something: to standard output, for a program or a person. */
export function printAnswer(json: boolean, answer: object, rows: readonly Row[]): void {
  printTable(json, answer, alignedRows(rows));
}

/** The same, for people as lines of text. */
export function printTable(json: boolean, answer: object, table: string): void {
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : table);
}

function alignedRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  return rows.map(([label, value]) => `${label.padEnd(width)}${value}\n`).join('');
}
