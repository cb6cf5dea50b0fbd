import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join as joinPath } from 'node:path';
import { describe, it } from 'node:test';
import { XbcloudObjects } from '../../src/source/xbcloud-objects.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { chunksOf, failureOf, judge, stockArchive, stockMember } from '../archive/support.ts';
import { join } from '../formats/xbstream/support.ts';
import { treeOf } from '../sink/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { runTool } from '../support/tool.ts';

const archive = stockArchive(
  ...stockMember('ibdata1', 'one', 'two', 'three'),
  ...stockMember('db/t.ibd.zst', 'rows'),
  ...stockMember('db/empty'),
);
const object = (path: string, number: number): string =>
  `${path}.${String(number).padStart(20, '0')}`;

/** The objects that `xbcloud put` makes of an archive: one for each chunk, numbered by file. */
function objectsOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const counts = new Map<string, number>();
  return new Map(
    chunksOf(bytes).map(({ path, bytes: chunk }) => {
      const number = counts.get(path) ?? 0;
      counts.set(path, number + 1);
      return [object(path, number), chunk];
    }),
  );
}

/** `xbcloud put --md5 NAME` into a new directory. */
function put(objects = objectsOf(archive), { md5 = true } = {}): string {
  const folder = scratchDir('xbcloud');
  for (const [name, bytes] of objects) {
    const path = joinPath(folder, 'NAME', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  const lines = [...objects].map(
    ([name, bytes]) => `${createHash('md5').update(bytes).digest('hex')}  ${name}\n`,
  );
  if (md5) writeFileSync(joinPath(folder, 'NAME.md5'), lines.toReversed().join(''));
  return folder;
}

async function read(folder: string): Promise<Uint8Array> {
  const opened = await XbcloudObjects.open(new FileStore(folder), 'NAME');
  assert.ok(opened);
  const pieces: Uint8Array[] = [];
  for await (const bytes of opened.source().bytes) pieces.push(bytes.slice());
  const all = join(...pieces);
  assert.equal(all.length, opened.size);
  return all;
}

describe('a backup by xbcloud', () => {
  it('is an archive, with or without the MD5 sums beside it', async () => {
    for (const md5 of [true, false]) {
      const bytes = await read(put(objectsOf(archive), { md5 }));
      assert.equal(bytes.length, archive.length);
      assert.equal(judge(bytes).members, 5);
    }
  });

  it('passes over what is not named as xbcloud names objects', async () => {
    const folder = put();
    for (const name of ['notes.txt', 'ibdata1', 'ibdata1.1', 'x.0000000000000000000']) {
      writeFileSync(joinPath(folder, 'NAME', name), 'x');
    }
    assert.equal(judge(await read(folder)).members, 5);
  });

  it('is nothing where no object is named so', async () => {
    const folder = scratchDir('plain');
    mkdirSync(joinPath(folder, 'NAME'));
    writeFileSync(joinPath(folder, 'NAME', 'ibdata1'), 'x');
    for (const name of ['NAME', 'other']) {
      assert.equal(await XbcloudObjects.open(new FileStore(folder), name), undefined);
    }
  });

  it('reads an object that is larger than its buffers, and checks it whole', async () => {
    const big = 'big'.repeat(9_000_000);
    const objects = objectsOf(stockArchive(...stockMember('big', big)));
    const bytes = await read(put(objects));
    assert.equal(judge(bytes).payloadBytes, big.length + 2);
  });

  it('is refused without one of its objects, whichever it is', async () => {
    for (const name of objectsOf(archive).keys()) {
      for (const md5 of [true, false]) {
        const folder = put(objectsOf(archive), { md5 });
        rmSync(joinPath(folder, 'NAME', name));
        // Of an empty file there is no other object: only the list misses it.
        if (name === object('db/empty', 0) && !md5) continue;
        const { code } = await failureOf(async () => judge(await read(folder)));
        assert.equal(code, 'incomplete', name);
      }
    }
  });

  it('is refused when an object is empty, changed, or not the one of its MD5', async () => {
    const name = object('ibdata1', 1);
    const wrongs: [(path: string) => void, RegExp][] = [
      [(path) => writeFileSync(path, ''), /ibdata1\.0{19}1 is empty/],
      [(path) => appendFileSync(path, 'x'), /ibdata1\.0{19}1 has not the MD5/],
      [(path) => writeFileSync(path, 'other'), /ibdata1\.0{19}1 has not the MD5/],
    ];
    for (const [change, message] of wrongs) {
      const folder = put();
      change(joinPath(folder, 'NAME', name));
      assert.match((await failureOf(() => read(folder))).message, message);
    }
  });

  it('is refused when its MD5 list is no list, or is of other objects', async () => {
    const sum = 'ab'.repeat(16);
    const wrongs: [string, string, RegExp][] = [
      [
        `${sum}  ${object('ibdata1', 9)}\n`,
        'incomplete',
        /ibdata1\.0{19}9 is missing: .*NAME\.md5/,
      ],
      [`${sum}  ${object('other', 0)}`, 'incomplete', /other\.0{20} is missing/],
      [`${sum} ${object('ibdata1', 0)}\n`, 'corrupt', /no MD5 of an object/],
      ['\n', 'corrupt', /no MD5 of an object/],
      ['x'.repeat(5000), 'corrupt', /no list of MD5 sums/],
    ];
    for (const [line, code, message] of wrongs) {
      const folder = put();
      appendFileSync(joinPath(folder, 'NAME.md5'), line);
      const error = await failureOf(() => read(folder));
      assert.equal(error.code, code);
      assert.match(error.message, message);
    }
    const folder = put();
    writeFileSync(joinPath(folder, 'NAME.md5'), '');
    assert.match((await failureOf(() => read(folder))).message, /NAME\.md5 does not name /);
  });

  it('is extracted by its name', async () => {
    const folder = put();
    const target = scratchDir('out');
    const from = `--from=${joinPath(folder, 'NAME')}`;
    const { status, stderr } = await runTool(['extract', from, '-C', target]);
    assert.equal(status, 0, stderr);
    assert.equal(treeOf(target)['ibdata1'], 'onetwothree');
    rmSync(joinPath(folder, 'NAME', object('ibdata1', 3)));
    rmSync(joinPath(folder, 'NAME.md5'));
    const cut = await runTool(['extract', from, '-C', scratchDir('out')]);
    assert.equal(cut.status, 30);
    assert.match(cut.stderr, /it ends while ibdata1 is open/);
  });

  it('has no preview and cannot be imported, and says so', async () => {
    const folder = put();
    const path = joinPath(folder, 'NAME');
    const target = `--datadir=${joinPath(scratchDir('out'), 'data')}`;
    const preview = await runTool(['restore', '--preview', `--from=${path}`, target]);
    assert.equal(preview.status, 2);
    assert.match(preview.stderr, /NAME has no index: no preview/);
    assert.match(preview.stderr, /HINT: what xbcloud put there/);
    const imported = await runTool(['import', path]);
    assert.equal(imported.status, 2);
    assert.match(imported.stderr, /NAME is what xbcloud put: many objects, not an archive/);
    assert.deepEqual(readdirSync(folder).sort(), ['NAME', 'NAME.md5']);
  });
});
