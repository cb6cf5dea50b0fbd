import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchDir } from '../support/scratch.ts';

const main = fileURLToPath(new URL('./bomb-main.js', import.meta.url));
const gibibyte = 2 ** 30;

interface Decoded {
  length: number;
  other: number;
  mebibytes: number;
}

const decoded = (how: 'step' | 'pool', ...args: string[]): Decoded =>
  JSON.parse(execFileSync(process.execPath, [main, how, ...args], { encoding: 'utf8' })) as Decoded;

describe('a small member that is a GiB decoded', () => {
  const folder = scratchDir('bombs');
  let memoryOfNothing: number;

  const make = (script: string, name: string): string => {
    const path = join(folder, name);
    execFileSync('bash', ['-c', `set -o pipefail; ${script} > "$1"`, 'bash', path]);
    return path;
  };

  before(() => {
    const path = make('true', 'nothing.zst');
    memoryOfNothing = decoded('pool', path, 'zst').mebibytes;
  });

  for (const [name, content] of [
    ['zeros', 'head -c 1G /dev/zero'],
    ['one letter', "head -c 1G /dev/zero | tr '\\0' a"],
  ] as const) {
    it(`goes through in a few MiB of memory: zstd, ${name}`, () => {
      const path = make(`${content} | zstd -c`, `${name}.zst`);
      assert.ok(statSync(path).size < 256 * 1024);
      for (const how of ['step', 'pool'] as const) {
        const { length, other, mebibytes } = decoded(how, path, 'zst');
        assert.deepEqual([length, other], [gibibyte, 0]);
        const more = mebibytes - memoryOfNothing;
        assert.ok(more < 96, `${how} takes ${more} MiB more than for nothing`);
      }
    });

    it(`goes through in a few MiB of memory: lz4, ${name}`, () => {
      const path = make(`${content} | lz4 -B4 -c`, `${name}.lz4`);
      assert.ok(statSync(path).size < 5 * 2 ** 20);
      for (const how of ['step', 'pool'] as const) {
        const { length, other, mebibytes } = decoded(how, path, 'lz4');
        assert.deepEqual([length, other], [gibibyte, 0]);
        const more = mebibytes - memoryOfNothing;
        assert.ok(more < 160, `${how} takes ${more} MiB more than for nothing`);
      }
    });
  }
});
