import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exitStatusRows } from '../../src/cli/exit-status.ts';
import { buildProgram } from '../../src/cli/main.ts';

const readme = (): string => readFileSync('README.md', 'utf8');

/** Words of the README that look like options, commands or variables. */
const words = (): Set<string> => new Set(readme().match(/[\w-]+/gu));

/** Every source file, as text. */
function sources(): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join('src', name), 'utf8'));
}

describe('README.md', () => {
  it('has a table row for every exit status', () => {
    const rows = readme()
      .split('\n')
      .map((line) => line.replaceAll(/\s*\|\s*/gu, '|').replaceAll('`', ''));
    const missing = exitStatusRows()
      .map(({ status, meaning }) => `|${status}|${meaning}|`)
      .filter((row) => !rows.includes(row));
    assert.deepEqual(missing, []);
  });

  it('names every command', () => {
    const found = words();
    const names = buildProgram().commands.map((command) => command.name());
    assert.deepEqual(
      names.filter((name) => !found.has(name)),
      [],
    );
  });

  it('names every long option of every command', () => {
    const found = words();
    const missing = buildProgram().commands.flatMap((command) =>
      command.options
        .filter(({ long }) => !found.has(long ?? ''))
        .map(({ long }) => `${command.name()} ${long ?? ''}`),
    );
    assert.deepEqual(missing, []);
  });

  it('names every environment variable that the program reads', () => {
    const read = sources().flatMap((text) =>
      [...text.matchAll(/process\.env(?:\.(\w+)|\[\s*['"](\w+)['"]\s*\])/gu)].map(
        ([, dotted, quoted]) => dotted ?? quoted ?? '',
      ),
    );
    assert.ok(read.includes('MYSQL_PWD'));
    const found = words();
    assert.deepEqual(
      [...new Set(read)].filter((name) => !found.has(name)),
      [],
    );
  });
});
