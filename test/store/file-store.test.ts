import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileStore } from '../../src/store/file-store.ts';
import { scratchDir } from '../support/scratch.ts';

function filled(...paths: string[]): string {
  const root = scratchDir('store');
  for (const path of paths) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  return root;
}

async function keysOf(store: FileStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

describe('a directory as a store', () => {
  it('lists the files whose path begins with a prefix, in order', async () => {
    const store = new FileStore(filled('b/2', 'b/1', 'bc', 'a/x/y', 'b/lost+found/z'));
    assert.deepEqual(await keysOf(store, ''), ['a/x/y', 'b/1', 'b/2', 'bc']);
    assert.deepEqual(await keysOf(store, 'b'), ['b/1', 'b/2', 'bc']);
    assert.deepEqual(await keysOf(store, 'b/'), ['b/1', 'b/2']);
    assert.deepEqual(await keysOf(store, 'no/such'), []);
  });

  it('follows no links, so that nothing is there under two names', async () => {
    const root = filled('a/x');
    symlinkSync('a', join(root, 'link'));
    symlinkSync('..', join(root, 'a', 'loop'));
    symlinkSync('x', join(root, 'a', 'file'));
    assert.deepEqual(await keysOf(new FileStore(root), ''), ['a/x']);
  });

  it('removes the directories that a deletion leaves empty, up to its root', async () => {
    const root = filled('a/b/c/1', 'a/b/2');
    const relative = scratchDir('cwd');
    for (const store of [new FileStore(root), new FileStore(`${root}/`)]) {
      await store.delete(['a/b/c/1', 'a/b/c/none']);
      assert.deepEqual(readdirSync(join(root, 'a/b')), ['2']);
    }
    await new FileStore(root).delete(['a/b/2']);
    assert.deepEqual(readdirSync(root), []);
    const before = process.cwd();
    process.chdir(relative);
    try {
      mkdirSync('n');
      writeFileSync('n/1', '');
      await new FileStore('.').delete(['n/1']);
      assert.deepEqual(readdirSync('.'), []);
    } finally {
      process.chdir(before);
    }
  });

  it('tells of stages as uploads: how much is in them and when something last came in', async () => {
    const root = filled('n/xbpipe-partial/archive.xbs', 'n/xbpipe-partial/deep/1', 'other/1');
    mkdirSync(join(root, 'empty/xbpipe-partial'), { recursive: true });
    const old = new Date('2026-11-01T00:00:00Z');
    const newest = new Date('2026-11-02T00:00:00Z');
    for (const path of ['deep', 'deep/1', '.']) {
      utimesSync(join(root, 'n/xbpipe-partial', path), old, old);
    }
    utimesSync(join(root, 'n/xbpipe-partial/archive.xbs'), newest, newest);
    const store = new FileStore(root);
    const [empty, upload, ...more] = await store.openUploads('');
    assert.deepEqual(more, []);
    assert.equal(empty?.key, 'empty');
    const size = 'n/xbpipe-partial/archive.xbs'.length + 'n/xbpipe-partial/deep/1'.length;
    assert.deepEqual(upload, { key: 'n', id: 'xbpipe-partial', size, active: newest });
    assert.deepEqual(await keysOf(store, ''), ['other/1']);
    await store.abortUpload(upload);
    assert.ok(!existsSync(join(root, 'n')));
  });
});
