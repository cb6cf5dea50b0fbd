import assert from 'node:assert/strict';
import {
  existsSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type BeginRecord,
  beginName,
  decodeBegin,
  decodeIndex,
  indexName,
} from '../../formats/archive-record/index.ts';
import { DirectoryStore } from '../../src/sink/directory-store.ts';
import { MemberFiles } from '../../src/sink/member-files.ts';
import { StagedDirectory } from '../../src/sink/staged-directory.ts';
import { stageName } from '../../src/store/stage-name.ts';
import { failureOf } from '../archive/support.ts';
import { text } from '../formats/xbstream/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { treeOf } from './support.ts';

async function started(): Promise<{ target: string; stage: string; files: MemberFiles }> {
  const target = scratchDir('members');
  const directory = await StagedDirectory.create(target, { empty: true });
  return { target, stage: directory.stage, files: new MemberFiles(directory) };
}

/** Descriptors of this process that name something below `folder`. */
const openBelow = (folder: string): string[] =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(join('/proc/self/fd', fd));
      } catch {
        return '';
      }
    })
    .filter((path) => path.startsWith(folder));

describe('MemberFiles', () => {
  it('writes members at once, each at its positions, and closes them', async () => {
    const { stage, files } = await started();
    await files.write('a', 0, text('one'));
    await files.write('db/b', 0, text('x'));
    await files.write('a', 3, text('two'));
    await files.close('a', 6);
    await files.close('db/b', 1);
    await files.close('empty', 0);
    await files.settle();
    assert.deepEqual(treeOf(stage), { a: 'onetwo', 'db/b': 'x', empty: '' });
    assert.deepEqual(openBelow(stage), []);
  });

  it('brings a member that ends in a hole to its size', async () => {
    const { stage, files } = await started();
    await files.write('a', 4, text('x'));
    await files.close('a', 10);
    await files.close('all-hole', 5);
    await files.settle();
    assert.deepEqual(treeOf(stage), { a: '\0\0\0\0x\0\0\0\0\0', 'all-hole': '\0\0\0\0\0' });
  });

  it('closes more members than it waits for at once', async () => {
    const { stage, files } = await started();
    for (let i = 0; i < 40; i += 1) await files.close(`m${i}`, i);
    await files.settle();
    const sizes = Array.from({ length: 40 }, (_, i) => statSync(join(stage, `m${i}`)).size);
    assert.deepEqual(
      sizes,
      Array.from({ length: 40 }, (_, i) => i),
    );
    assert.deepEqual(openBelow(stage), []);
  });

  it('opens no file that is there already, and follows no link', async () => {
    const { stage, target, files } = await started();
    writeFileSync(join(stage, 'there'), 'first');
    symlinkSync(join(target, '..', 'outside'), join(stage, 'link'));
    for (const path of ['there', 'link']) {
      const error = await failureOf(() => files.write(path, 0, text('x')));
      assert.equal(error.code, 'storage');
      assert.match(error.message, /it exists already|symbolic/);
    }
    assert.equal(readFileSync(join(stage, 'there'), 'utf8'), 'first');
    assert.ok(!existsSync(join(target, '..', 'outside')));
  });

  it('renames and removes members; those that never came are no loss', async () => {
    const { stage, files } = await started();
    await files.close('a', 1);
    await files.rename('a', 'db/b');
    await files.rename('nothing', 'c');
    await files.close('gone', 1);
    await files.remove('gone');
    await files.remove('nothing');
    assert.deepEqual(treeOf(stage), { 'db/b': '\0' });
  });

  it('reports a close that failed, at the latest when it settles', async () => {
    const { files } = await started();
    await files.write('a', 0, text('x'));
    // No file can be that long.
    await files.close('a', Number.MAX_SAFE_INTEGER).catch(() => undefined);
    const error = await failureOf(() => files.settle());
    assert.equal(error.code, 'storage');
    assert.equal((await failureOf(() => files.settle())).code, 'storage');
  });

  it('leaves no file open when it is given up', async () => {
    const { stage, files } = await started();
    await files.write('a', 0, text('x'));
    await files.write('b', 0, text('x'));
    await files.close('b', 1);
    assert.notDeepEqual(openBelow(stage), []);
    await files.abandon();
    assert.deepEqual(openBelow(stage), []);
  });
});

describe('DirectoryStore', () => {
  const begin: BeginRecord = {
    backupId: '6a1b0f0e-3f0e-4c55-9d0c-0d4b7f3a9c11',
    tool: 'xbpipe test',
    flavour: 'mysql',
    serverVersion: '9.7.4',
    pageSize: 16384,
    redoStart: 8204,
    startedAt: '2026-11-21T00:00:00.000Z',
    digests: false,
  };
  const put = async (store: DirectoryStore, path: string, ...payloads: string[]): Promise<void> => {
    const member = store.open({ path });
    for (const payload of payloads) await member.write(text(payload), 0);
    await member.close();
  };

  it('has its files in place when it is finished, and not before', async () => {
    const target = join(scratchDir('store'), 'backup');
    const store = await DirectoryStore.create(target, begin);
    await put(store, 'db/t.ibd', 'one,', 'two');
    await put(store, 'empty');
    assert.deepEqual(readdirSync(target), [stageName]);
    assert.equal(store.bytesWritten, 7);
    await store.finish();
    const { [beginName]: started, [indexName]: index, ...others } = treeOf(target);
    assert.deepEqual(others, { 'db/t.ibd': 'one,two', empty: '' });
    const chain = { parentId: undefined, sinceLsn: undefined };
    const past = { redoBegan: undefined, restoredFrom: undefined, restoredAt: undefined };
    const server = { ...past, serverId: undefined, pageTracking: undefined };
    const encoding = { compression: undefined, encryption: undefined, keyCheck: undefined };
    const wanted = { ...begin, ...chain, ...server, ...encoding };
    assert.deepEqual(decodeBegin(Buffer.from(started ?? '')), wanted);
    const { backupId, members } = decodeIndex(Buffer.from(index ?? ''));
    assert.equal(backupId, begin.backupId);
    assert.deepEqual(
      members.map(({ path, size, chunks }) => [path, size, chunks]),
      [
        ['db/t.ibd', 7, []],
        ['empty', 0, []],
      ],
    );
  });

  it('refuses a member that comes twice', async () => {
    const store = await DirectoryStore.create(scratchDir('store'), begin);
    await put(store, 'a', 'x');
    assert.match(
      (await failureOf(() => store.open({ path: 'a' }))).message,
      /a would be there twice/,
    );
  });

  it('leaves an empty directory when it is given up in the middle', async () => {
    const target = scratchDir('store');
    const store = await DirectoryStore.create(target, begin);
    await put(store, 'a', 'x');
    await store.open({ path: 'db/open' }).write(text('y'), 0);
    await store.abort();
    assert.deepEqual(readdirSync(target), []);
    assert.deepEqual(openBelow(target), []);
  });

  it('leaves an empty directory when it is given up while it is finished, in any step of it', async () => {
    // What is seen, from the first record in the stage to the whole backup.
    const steps = [beginName, indexName, 'a', 'db', '../a', '../db', `../${beginName}`];
    for (const step of ['', ...steps]) {
      const target = scratchDir('store');
      const store = await DirectoryStore.create(target, begin);
      for (const path of ['a', 'b', 'c', 'db/t.ibd']) await put(store, path, 'x');
      const state = { settled: false };
      const finished = store
        .finish()
        .catch(() => undefined)
        .finally(() => {
          state.settled = true;
        });
      while (!state.settled && !existsSync(join(target, stageName, step))) await turn();
      await store.abort();
      await finished;
      assert.deepEqual(readdirSync(target), [], step);
      assert.deepEqual(openBelow(target), []);
    }
  });

  it('is not finished while a member is open', async () => {
    const target = scratchDir('store');
    const store = await DirectoryStore.create(target, begin);
    await store.open({ path: 'a' }).write(text('half'), 0);
    const error = await failureOf(() => store.finish());
    assert.match(error.message, /open/);
    assert.deepEqual(readdirSync(target), [stageName]);
  });
});
