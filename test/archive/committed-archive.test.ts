import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  archiveName,
  decodeManifest,
  manifestBytesMax,
  manifestName,
} from '../../formats/archive-record/index.ts';
import { CommittedArchive } from '../../src/archive/committed-archive.ts';
import { writeMember } from '../../src/archive/write-member.ts';
import { openSource } from '../../src/cli/open-source.ts';
import { readArchive } from '../../src/restore/read-archive.ts';
import { SilentOutput } from '../../src/restore/silent-output.ts';
import { DirectoryPlace } from '../../src/sink/directory-place.ts';
import { stageName } from '../../src/store/stage-name.ts';
import { text } from '../formats/xbstream/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { storeAccess } from '../support/store-access.ts';
import { failureOf, judge, sampleBegin, samplePosition } from './support.ts';

// In the past by any clock: the end is told by that of the machine.
const begin = { ...sampleBegin, startedAt: '2020-11-21T02:43:08.000Z' };

const created = async (): Promise<{ path: string; store: CommittedArchive }> => {
  const path = join(scratchDir('archive'), 'backup');
  return {
    path,
    store: await CommittedArchive.create(await DirectoryPlace.create(path), begin),
  };
};

describe('CommittedArchive', () => {
  it('shows archive and manifest at once, when both are complete', async () => {
    const { path, store } = await created();
    await writeMember(store, 'db/t.ibd', text('rows'));
    assert.deepEqual(readdirSync(path), [stageName]);
    await store.finish(samplePosition);
    assert.deepEqual(readdirSync(path).sort(), [archiveName, manifestName]);
    const archive = readFileSync(join(path, archiveName));
    assert.equal(judge(archive).begin?.backupId, sampleBegin.backupId);
    const manifest = decodeManifest(readFileSync(join(path, manifestName)));
    assert.deepEqual(manifest.objects, [{ name: archiveName, size: archive.length }]);
    assert.equal(manifest.backupId, sampleBegin.backupId);
    assert.equal(manifest.redoStart, sampleBegin.redoStart);
    assert.equal(manifest.lastLsn, samplePosition.lastLsn);
    assert.equal(manifest.members, 2, 'the begin record is a member');
    assert.ok(manifest.finishedAt > manifest.startedAt);
  });

  it('leaves an empty directory when it is given up', async () => {
    const { path, store } = await created();
    await writeMember(store, 'db/t.ibd', text('rows'));
    await store.abort();
    assert.deepEqual(readdirSync(path), []);
  });

  it('leaves an empty directory when it is given up while it is committed, in any step of it', async () => {
    const staged = (...names: string[]): string => join(stageName, ...names);
    for (const step of ['', staged(manifestName), archiveName, manifestName]) {
      const { path, store } = await created();
      await writeMember(store, 'db/t.ibd', text('rows'));
      const state = { settled: false };
      const finished = store
        .finish(samplePosition)
        .catch(() => undefined)
        .finally(() => {
          state.settled = true;
        });
      while (!state.settled && !existsSync(join(path, step))) await turn();
      await store.abort();
      await finished;
      assert.deepEqual(readdirSync(path), [], step);
    }
  });

  it('leaves nothing that is a backup when a member stays open', async () => {
    const { path, store } = await created();
    store.open({ path: 'db/t.ibd' });
    await failureOf(() => store.finish(samplePosition));
    assert.deepEqual(readdirSync(path), [stageName]);
    assert.equal((await failureOf(() => openSource(path, storeAccess()))).code, 'incomplete');
  });

  it('refuses a directory that holds anything', async () => {
    const path = scratchDir('archive');
    mkdirSync(join(path, 'db'));
    const error = await failureOf(() => DirectoryPlace.create(path));
    assert.equal(error.code, 'storage');
    assert.match(error.message, /is not empty \(it holds db\)/);
    assert.deepEqual(readdirSync(path), ['db']);
  });
});

describe('a backup directory as a source', () => {
  const finished = async (): Promise<string> => {
    const { path, store } = await created();
    await writeMember(store, 'a', text('1'));
    await store.finish(samplePosition);
    return path;
  };

  it('is not opened without its manifest', async () => {
    const path = scratchDir('archive');
    writeFileSync(join(path, archiveName), 'bytes');
    const error = await failureOf(() => openSource(path, storeAccess()));
    assert.equal(error.code, 'incomplete');
    assert.match(error.message, /has no manifest\.json: it is not a backup/);
  });

  it('is not opened when its archive is not as long as the manifest says', async () => {
    const path = await finished();
    assert.equal(
      (await openSource(path, storeAccess())).totalBytes,
      readFileSync(join(path, archiveName)).length,
    );
    writeFileSync(join(path, archiveName), 'more', { flag: 'a' });
    const error = await failureOf(() => openSource(path, storeAccess()));
    assert.equal(error.code, 'incomplete');
    assert.match(error.message, /bytes instead of \d+$/);
  });

  it('is not opened when its manifest is longer than one can be', async () => {
    const path = await finished();
    truncateSync(join(path, manifestName), manifestBytesMax + 1);
    const error = await failureOf(() => openSource(path, storeAccess()));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /is longer than a manifest can be/);
  });

  it('is refused when the archive is that of another backup', async () => {
    const path = await finished();
    const manifest = readFileSync(join(path, manifestName), 'utf8');
    const other = manifest.replace(sampleBegin.backupId, sampleBegin.backupId.replace('6', '7'));
    assert.notEqual(other, manifest);
    writeFileSync(join(path, manifestName), other);
    const { source } = await openSource(path, storeAccess());
    const error = await failureOf(() => readArchive(source, new SilentOutput(), {}));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /is of another backup than its manifest/);
  });

  it('is not opened when its manifest points elsewhere', async () => {
    for (const name of ['../archive.xbs', '/etc/passwd', '..', '.', 'a/b', 'a\\b']) {
      const path = await finished();
      const manifest = readFileSync(join(path, manifestName), 'utf8');
      const forged = manifest.replace(JSON.stringify(archiveName), JSON.stringify(name));
      assert.notEqual(forged, manifest);
      writeFileSync(join(path, manifestName), forged);
      const error = await failureOf(() => openSource(path, storeAccess()));
      assert.equal(error.code, 'corrupt', name);
    }
  });
});
