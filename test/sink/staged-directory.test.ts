import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { beginName, manifestName } from '../../formats/archive-record/index.ts';
import type { BackupError } from '../../src/errors.ts';
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

/** Names of a backup; the last ones tell that it is one. */
const others = Array.from({ length: 20 }, (_, i) => `other${i}`);
const telling = [manifestName, beginName, 'xtrabackup_checkpoints.zst'];

/** What has come up of a directory. */
const movedUp = ({ target }: StagedDirectory): string[] =>
  readdirSync(target).filter((name) => name !== stageName);

interface Commit {
  failure: BackupError | undefined;
  settled: boolean;
  done: Promise<void>;
}

function startCommit(directory: StagedDirectory): Commit {
  const commit: Commit = { failure: undefined, settled: false, done: Promise.resolve() };
  commit.done = directory
    .commit()
    .catch((error: unknown) => {
      commit.failure = error as BackupError;
    })
    .finally(() => {
      commit.settled = true;
    });
  return commit;
}

describe('a commit of a staged directory', () => {
  const filled = async (): Promise<StagedDirectory> => {
    const directory = await StagedDirectory.create(scratchDir('staged'), { empty: true });
    await fill(directory, ...telling, ...others);
    return directory;
  };

  it('brings what tells of a backup when all else is there', async () => {
    const directory = await filled();
    const commit = startCommit(directory);
    for (; !commit.settled; await turn()) {
      const names = movedUp(directory);
      if (telling.some((name) => names.includes(name))) assert.ok(names.length > others.length);
    }
    assert.equal(commit.failure, undefined);
    assert.deepEqual(movedUp(directory).sort(), [...others, ...telling].sort());
  });

  it('leaves nothing of it when it is discarded meanwhile, however much came up', async () => {
    for (let wanted = 0; wanted <= others.length + telling.length; wanted += 1) {
      const directory = await filled();
      const commit = startCommit(directory);
      while (!commit.settled && movedUp(directory).length < wanted) await turn();
      await directory.discard();
      await commit.done;
      assert.deepEqual(readdirSync(directory.target), [], `when ${wanted} names were there`);
    }
  });

  it('does not begin once it was discarded', async () => {
    const directory = await filled();
    await directory.discard();
    assert.match((await failureOf(() => directory.commit())).message, /was given up/);
    assert.deepEqual(readdirSync(directory.target), []);
  });

  it('takes back what came up when another name cannot', async () => {
    const directory = await filled();
    const commit = startCommit(directory);
    while (movedUp(directory).length === 0) await turn();
    // No file is moved over a directory.
    const obstacles = telling.map((name) => join(directory.target, name));
    for (const path of obstacles) mkdirSync(path);
    await commit.done;
    assert.equal(commit.failure?.code, 'storage');
    assert.deepEqual(movedUp(directory).sort(), [...telling].sort());
    assert.equal(readdirSync(directory.stage).length, others.length + telling.length);
  });
});
