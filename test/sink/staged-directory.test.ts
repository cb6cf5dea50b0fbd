import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { StagedDirectory } from '../../src/sink/staged-directory.ts';
import { stageName } from '../../src/store/stage-name.ts';
import { failureOf } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { treeOf } from './support.ts';

const fill = async (directory: StagedDirectory, ...members: string[]): Promise<void> => {
  for (const member of members) writeFileSync(await directory.place(member), member);
};

describe('StagedDirectory', () => {
  it('makes the directory, shows nothing before the commit and everything after it', async () => {
    const target = join(scratchDir('staged'), 'a', 'b');
    const directory = await StagedDirectory.create(target, { empty: true });
    await fill(directory, 'ibdata1', 'db/t.ibd', 'db/u.ibd', 'db/sub/deep');
    assert.deepEqual(readdirSync(target), [stageName]);
    await directory.commit();
    assert.deepEqual(treeOf(target), {
      'db/sub/deep': 'db/sub/deep',
      'db/t.ibd': 'db/t.ibd',
      'db/u.ibd': 'db/u.ibd',
      ibdata1: 'ibdata1',
    });
    assert.ok(!existsSync(directory.stage));
    assert.equal(statSync(join(target, 'db')).mode & 0o007, 0);
  });

  it('refuses a directory that is not empty when it has to be', async () => {
    const target = scratchDir('staged');
    writeFileSync(join(target, 'file'), 'mine');
    const error = await failureOf(() => StagedDirectory.create(target, { empty: true }));
    assert.equal(error.code, 'storage');
    assert.match(error.message, /is not empty \(it holds file\)/);
    assert.match(error.hint ?? '', /nothing is ever overwritten/);
    assert.deepEqual(treeOf(target), { file: 'mine' });
  });

  it('takes the lost+found of a fresh file system for empty', async () => {
    const target = scratchDir('staged');
    mkdirSync(join(target, 'lost+found'));
    const directory = await StagedDirectory.create(target, { empty: true });
    await directory.commit();
    assert.deepEqual(readdirSync(target), ['lost+found']);
  });

  it('refuses a directory with the stage of an unfinished run', async () => {
    const target = scratchDir('staged');
    await StagedDirectory.create(target, { empty: true });
    for (const empty of [true, false]) {
      const error = await failureOf(() => StagedDirectory.create(target, { empty }));
      assert.match(error.message, /xbpipe-partial is there from an unfinished run/);
      assert.match(error.hint ?? '', /remove it, then try again/);
    }
  });

  it('refuses a file in place of the directory', async () => {
    const target = join(scratchDir('staged'), 'file');
    writeFileSync(target, 'mine');
    assert.equal(
      (await failureOf(() => StagedDirectory.create(target, { empty: false }))).code,
      'storage',
    );
  });

  it('refuses members whose top name is taken: by a file, a directory, a link to nowhere', async () => {
    const target = scratchDir('staged');
    writeFileSync(join(target, 'file'), 'mine');
    mkdirSync(join(target, 'db'));
    symlinkSync('/nowhere', join(target, 'link'));
    const directory = await StagedDirectory.create(target, { empty: false });
    for (const member of ['file', 'db/t.ibd', 'link', 'link/x', `${stageName}/x`]) {
      const error = await failureOf(() => directory.place(member));
      assert.equal(error.code, 'storage');
      assert.match(error.message, /exists; nothing is ever overwritten/);
    }
    await fill(directory, 'other');
    await directory.commit();
    assert.deepEqual(treeOf(target), { file: 'mine', link: 'not a file', other: 'other' });
  });

  it('moves nothing when something came up meanwhile', async () => {
    const target = scratchDir('staged');
    const directory = await StagedDirectory.create(target, { empty: true });
    await fill(directory, 'a', 'b');
    writeFileSync(join(target, 'b'), 'mine');
    const error = await failureOf(() => directory.commit());
    assert.match(error.message, /b exists; nothing is ever overwritten/);
    assert.deepEqual(treeOf(target), {
      [`${stageName}/a`]: 'a',
      [`${stageName}/b`]: 'b',
      b: 'mine',
    });
  });

  it('is discarded without a trace, also twice', async () => {
    const target = scratchDir('staged');
    const directory = await StagedDirectory.create(target, { empty: true });
    await fill(directory, 'db/t.ibd');
    await directory.discard();
    await directory.discard();
    assert.deepEqual(readdirSync(target), []);
  });
});
