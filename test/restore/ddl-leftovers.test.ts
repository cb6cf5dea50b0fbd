import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { resolveLeftovers } from '../../src/restore/mariadb/ddl-leftovers.ts';
import { failureOf } from '../archive/support.ts';
import { treeOf } from '../sink/support.ts';
import { scratchDir } from '../support/scratch.ts';

type Tree = Record<string, string>;

function directoryOf(tree: Tree): string {
  const folder = scratchDir('leftovers');
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** The tree after everything was resolved, and how many traces there were. */
function resolved(tree: Tree): { tree: Tree; count: number } {
  const folder = directoryOf(tree);
  const count = resolveLeftovers(folder);
  return { tree: treeOf(folder), count };
}

describe('resolveLeftovers', () => {
  it('leaves a backup alone during which no table changed', () => {
    const tree = { 'db/t.ibd': 't', 'db/t.frm': 'f', ibdata1: 'i', 'db/db.opt': '' };
    assert.deepEqual(resolved(tree), { tree, count: 0 });
  });

  it('removes a table that was dropped, also one that was never copied', () => {
    const tree = { 'db/t.ibd': 't', 'db/t.del': '', 'db/u.del': '', 'db/v.ibd': 'v' };
    assert.deepEqual(resolved(tree), { tree: { 'db/v.ibd': 'v' }, count: 2 });
  });

  it('renames a table, within its database and into another', () => {
    const tree = {
      'db/a.ibd': 'a',
      'db/a.ren': 'db/b',
      'db/c.ibd': 'c',
      'db/c.ren': 'other/d',
      'other/db.opt': '',
    };
    const expected = { 'db/b.ibd': 'a', 'other/d.ibd': 'c', 'other/db.opt': '' };
    assert.deepEqual(resolved(tree), { tree: expected, count: 2 });
  });

  it('takes a table that was made or made anew instead of what was copied', () => {
    const tree = { 'db/made.new': 'm', 'db/anew.ibd': 'old', 'db/anew.new': 'new' };
    const expected = { 'db/anew.ibd': 'new', 'db/made.ibd': 'm' };
    assert.deepEqual(resolved(tree), { tree: expected, count: 2 });
  });

  it('lets tables swap names, and go round in a ring', () => {
    const swap = { 'db/a.ibd': 'a', 'db/b.ibd': 'b', 'db/a.ren': 'db/b', 'db/b.ren': 'db/a' };
    assert.deepEqual(resolved(swap).tree, { 'db/a.ibd': 'b', 'db/b.ibd': 'a' });
    const ring = { ...swap, 'db/c.ibd': 'c', 'db/b.ren': 'db/c', 'db/c.ren': 'db/a' };
    assert.deepEqual(resolved(ring).tree, { 'db/a.ibd': 'c', 'db/b.ibd': 'a', 'db/c.ibd': 'b' });
  });

  it('lets one table take the name of another that moved on, was dropped, or was made anew', () => {
    const tree = {
      'db/a.ibd': 'a',
      'db/a.ren': 'db/b',
      'db/b.ibd': 'b',
      'db/b.ren': 'db/c',
      'db/a.new': 'new a',
      'db/x.ibd': 'x',
      'db/x.del': '',
      'db/y.ibd': 'y',
      'db/y.ren': 'db/x',
    };
    assert.deepEqual(resolved(tree).tree, {
      'db/a.ibd': 'new a',
      'db/b.ibd': 'a',
      'db/c.ibd': 'b',
      'db/x.ibd': 'y',
    });
  });

  it('removes the folder of a database that was dropped, not that of one without tables', () => {
    const folder = directoryOf({ 'gone/t.ibd': 't', 'gone/t.del': '', 'db/db.opt': '' });
    mkdirSync(join(folder, 'lost+found'));
    resolveLeftovers(folder);
    assert.deepEqual(readdirSync(folder).sort(), ['db', 'lost+found']);
  });

  it('touches nothing outside the folders of databases', () => {
    const tree = {
      'ibdata1.del': '',
      'x.ren': 'db/y',
      'z.new': 'z',
      'db/sub/t.del': '',
      'db/sub/t.ibd': 't',
    };
    assert.deepEqual(resolved(tree), { tree, count: 0 });
    const folder = directoryOf({ 'db/t.ibd': 't' });
    const outside = directoryOf({ 'db/t.ibd': 't', 'db/t.del': '' });
    symlinkSync(join(outside, 'db'), join(folder, 'linked'));
    assert.equal(resolveLeftovers(folder), 0);
    assert.ok(existsSync(join(outside, 'db', 't.ibd')));
  });

  it('refuses a new name that leaves the backup or is none', async () => {
    for (const name of ['../out', '/tmp/out', 'db/../../out', 'db//x', '', '\n', 'db/']) {
      const folder = directoryOf({ 'db/a.ibd': 'a', 'db/a.ren': name });
      const error = await failureOf(() => resolveLeftovers(folder));
      assert.equal(error.code, 'corrupt', JSON.stringify(name));
      assert.equal(treeOf(folder)['db/a.ibd'], 'a');
    }
  });

  it('refuses a rename of a table that is not there', async () => {
    const folder = directoryOf({ 'db/a.ren': 'db/b' });
    const error = await failureOf(() => resolveLeftovers(folder));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /a\.ibd is not there, but .*a\.ren renames it/);
  });
});

describe('resolveLeftovers, run again after an interruption', () => {
  const tree: Tree = {
    'db/a.ibd': 'a',
    'db/b.ibd': 'b',
    'db/a.ren': 'db/b',
    'db/b.ren': 'db/a',
    'db/gone.ibd': 'g',
    'db/gone.del': '',
    'db/old.ibd': 'o',
    'db/old.ren': 'db/gone',
    'db/made.new': 'm',
  };
  const expected = { 'db/a.ibd': 'b', 'db/b.ibd': 'a', 'db/gone.ibd': 'o', 'db/made.ibd': 'm' };

  it('comes to the same end from every state that an interruption can leave', () => {
    // Each state is the one before with the next file gone or moved, in the order of the work.
    const steps: ((tree: Tree) => void)[] = [
      (t) => take(t, 'db/gone.ibd'),
      (t) => take(t, 'db/gone.del'),
      (t) => move(t, 'db/a.ibd', 'db/b.xbpipe-moved'),
      (t) => take(t, 'db/a.ren'),
      (t) => move(t, 'db/b.ibd', 'db/a.xbpipe-moved'),
      (t) => take(t, 'db/b.ren'),
      (t) => move(t, 'db/old.ibd', 'db/gone.xbpipe-moved'),
      (t) => take(t, 'db/old.ren'),
      (t) => move(t, 'db/a.xbpipe-moved', 'db/a.ibd'),
      (t) => move(t, 'db/b.xbpipe-moved', 'db/b.ibd'),
      (t) => move(t, 'db/gone.xbpipe-moved', 'db/gone.ibd'),
      (t) => move(t, 'db/made.new', 'db/made.ibd'),
    ];
    const state = { ...tree };
    assert.deepEqual(resolved(state).tree, expected, 'from the start');
    for (const [i, step] of steps.entries()) {
      step(state);
      assert.deepEqual(resolved(state).tree, expected, `after step ${i + 1}`);
    }
    assert.deepEqual(state, expected);
  });

  it('goes on where a real run stopped, and then finds nothing more to do', () => {
    const folder = directoryOf(tree);
    const obstacle = join(folder, 'db', 'made.ibd');
    mkdirSync(obstacle);
    assert.throws(() => resolveLeftovers(folder), /EISDIR|ENOTDIR|EEXIST/);
    const { 'db/made.ibd': made, ...others } = expected;
    assert.deepEqual(treeOf(folder), { ...others, 'db/made.new': made });
    rmdirSync(obstacle);
    resolveLeftovers(folder);
    assert.deepEqual(treeOf(folder), expected);
    assert.equal(resolveLeftovers(folder), 0);
  });
});

function take(tree: Tree, path: string): void {
  assert.ok(path in tree, path);
  delete tree[path];
}

function move(tree: Tree, from: string, to: string): void {
  tree[to] = tree[from] ?? assert.fail(from);
  delete tree[from];
}
