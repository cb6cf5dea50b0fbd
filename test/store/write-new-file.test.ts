import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { writeNewFile } from '../../src/store/write-new-file.ts';
import { failureOf } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';

/** As on a file system that has no hard links. */
function withoutLinks(t: TestContext): void {
  const refuse = () => Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }));
  t.mock.method(fs, 'link', refuse);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

async function writesOneFile(): Promise<void> {
  const folder = scratchDir('new');
  await writeNewFile(join(folder, 'file'), Buffer.from('content'));
  assert.deepEqual(readdirSync(folder), ['file']);
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'content');
  assert.equal(statSync(join(folder, 'file')).mode & 0o027, 0);
}

async function overwritesNothing(): Promise<void> {
  const folder = scratchDir('used');
  writeFileSync(join(folder, 'file'), 'mine');
  symlinkSync('nowhere', join(folder, 'link'));
  for (const name of ['file', 'link']) {
    const failure = await failureOf(() => writeNewFile(join(folder, name), Buffer.from('other')));
    assert.equal(failure.code, 'storage');
    assert.match(failure.message, new RegExp(`${name}:? (it exists already|exists)`));
    assert.ok(!failure.message.includes(`${name}.`), 'no temporary name');
  }
  assert.deepEqual(readdirSync(folder), ['file', 'link']);
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'mine');
}

describe('a small file', () => {
  it('is written and nothing beside it', writesOneFile);

  it('never takes the place of what is there', overwritesNothing);

  it('is not there, nor a part of it, when it cannot be written', () => {
    const folder = scratchDir('full');
    const module = new URL('../../src/store/write-new-file.js', import.meta.url).href;
    const script = `import(${JSON.stringify(module)})
      .then(({ writeNewFile }) => writeNewFile(process.argv[1], Buffer.alloc(1e5)))
      .catch(({ code, message }) => { console.log(code, message); process.exitCode = 7; });`;
    const path = join(folder, 'file');
    // A limit for files fails half-way through, as a full disk does.
    const { status, stdout, stderr } = spawnSync(
      '/bin/sh',
      ['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath, '-e', script, path],
      { encoding: 'utf8' },
    );
    assert.equal(status, 7, stderr);
    assert.match(stdout, /^storage \S+\/file: .*EFBIG/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is written where a file system has no hard links, and overwrites nothing there', async (t) => {
    withoutLinks(t);
    await writesOneFile();
    await overwritesNothing();
  });
});
