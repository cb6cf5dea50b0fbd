import assert from 'node:assert/strict';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { describe, it } from 'node:test';
import { ArchiveWriter, chunkBytesMax } from '../../src/archive/archive-writer.ts';
import { crc32 } from '../../formats/crc.ts';
import { BackupError } from '../../src/errors.ts';
import { extract } from '../../src/restore/extract.ts';
import { openFileSource } from '../../src/source/byte-source.ts';
import { StagedDirectory } from '../../src/sink/staged-directory.ts';
import { stageName } from '../../src/store/stage-name.ts';
import {
  MemorySink,
  assemble,
  failureOf,
  sampleBegin,
  samples,
  sourceOf,
  stockArchive,
  stockMember,
  writeArchive,
} from '../archive/support.ts';
import {
  chunk,
  endChunk,
  join,
  payloadChunk,
  sparseChunk,
  text,
  u32,
  u64,
  vector,
} from '../formats/xbstream/support.ts';
import { treeOf } from '../sink/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { extractInto, extractNew, packByMbstream, unpackByMbstream } from './extract-support.ts';

/** Bytes that no shift of themselves equals. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = length + 1;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const sizes = { empty: 0, one: 1, 'db/exact': chunkBytesMax, 'db/over': chunkBytesMax + 1 };
const bigFiles = Object.fromEntries(
  Object.entries(sizes).map(([path, size]) => [path, noise(size)] as const),
);

const assertFiles = (folder: string): void => {
  for (const [path, bytes] of Object.entries(bigFiles)) {
    assert.ok(readFileSync(joinPath(folder, path)).equals(bytes), path);
  }
};

describe('archives between us and mbstream', () => {
  it('written by mbstream, read by us: empty, one byte, one chunk, one byte more', async () => {
    const { error, target } = await extractNew(packByMbstream(bigFiles), {
      anyArchive: true,
      pieceBytes: 1_000_003,
    });
    assert.equal(error, undefined);
    assertFiles(target);
    assert.deepEqual(readdirSync(target).sort(), ['db', 'empty', 'one']);
  });

  it('written by us, read by mbstream and by us: the same files', async () => {
    const sink = new MemorySink();
    const writer = await ArchiveWriter.begin(sink, sampleBegin);
    await Promise.all(
      Object.entries(bigFiles).map(async ([path, bytes]) => {
        const member = writer.open({ path });
        for (let at = 0; at < bytes.length; at += chunkBytesMax) {
          const payload = bytes.subarray(at, at + chunkBytesMax);
          await member.write(payload, crc32(payload));
        }
        await member.close();
      }),
    );
    await writer.finish();
    const folder = scratchDir('mbstream');
    assert.equal(unpackByMbstream(sink.bytes, folder), 0);
    assertFiles(folder);
    const { error, target } = await extractNew(sink.bytes);
    assert.equal(error, undefined);
    assertFiles(target);
  });

  it('written by us, in many small chunks: the same tree from mbstream and from us', async () => {
    const archive = await writeArchive(samples);
    const folder = scratchDir('mbstream');
    assert.equal(unpackByMbstream(archive, folder), 0);
    for (const pieceBytes of [1, 13, archive.length]) {
      const { error, target } = await extractNew(archive, { pieceBytes });
      assert.equal(error, undefined);
      assert.deepEqual(treeOf(target), treeOf(folder));
    }
    const { ibdata1 } = treeOf(folder);
    assert.equal(ibdata1, 'first half,second half');
  });

  it('of vectors by mbstream: what we extract is what mbstream does', async () => {
    for (const name of ['empty', 'one-byte', 'hello', 'three-files', 'rename', 'remove', 'seek']) {
      const folder = scratchDir('mbstream');
      assert.equal(unpackByMbstream(vector(name), folder), 0, name);
      for (const pieceBytes of [1, 1000]) {
        const { error, target } = await extractNew(vector(name), { anyArchive: true, pieceBytes });
        assert.equal(error, undefined, name);
        assert.deepEqual(treeOf(target), treeOf(folder), name);
      }
    }
  });
});

describe('sparse files', () => {
  it('of XtraBackup come out with their holes', async () => {
    const { error, target } = await extractNew(vector('sparse'), { anyArchive: true });
    assert.equal(error, undefined);
    const content = readFileSync(joinPath(target, 's.ibd'), 'latin1');
    assert.equal(content, `abc${'\0'.repeat(13)}de${'\0'.repeat(6)}`);
  });

  it('take no more disk than their data, however the archive comes in pieces', async () => {
    const [mib, data] = [2 ** 20, noise(4096)];
    const archive = join(
      payloadChunk('t.ibd', 0, data),
      sparseChunk('t.ibd', 4096, [[mib, 4096], [mib, 4096], [mib, 0]], join(data, data)), // prettier-ignore
      payloadChunk('t.ibd', 4096 + 3 * mib + 8192, data),
      sparseChunk('t.ibd', 8192 + 3 * mib + 8192, [[8 * mib, 0]], text('')),
      endChunk('t.ibd'),
    );
    for (const pieceBytes of [1, 5000, archive.length]) {
      const { error, target } = await extractNew(archive, { anyArchive: true, pieceBytes });
      assert.equal(error, undefined);
      const path = joinPath(target, 't.ibd');
      const expected = Buffer.alloc(16_384 + 11 * mib);
      for (const at of [0, 4096 + mib, 8192 + 2 * mib, 12_288 + 3 * mib]) expected.set(data, at);
      assert.ok(readFileSync(path).equals(expected));
      assert.ok(statSync(path).blocks * 512 < mib, 'the holes are holes');
    }
  });

  it('of MariaDB, by seeks, end where the last seek says', async () => {
    const archive = join(
      payloadChunk('a', 0, text('x')),
      chunk('S', 'a', u64(4)),
      payloadChunk('a', 4, text('y')),
      chunk('S', 'a', u64(8)),
      endChunk('a'),
    );
    const { target } = await extractNew(archive, { anyArchive: true });
    assert.deepEqual(treeOf(target), { a: 'x\0\0\0y\0\0\0' });
  });
});

describe('extract', () => {
  it('tells of every member and of its progress', async () => {
    const archive = assemble(samples);
    const directory = await StagedDirectory.create(scratchDir('extract'), { empty: true });
    const [members, progress]: [string[], number[]] = [[], []];
    const summary = await extract(sourceOf(archive, 1000), directory, {
      onMember: (path) => members.push(path),
      onProgress: (bytes) => progress.push(bytes),
    });
    assert.equal(progress.at(-1), archive.length);
    assert.deepEqual(progress.slice(0, 2), [1000, 2000]);
    assert.deepEqual(
      members.slice(1, -2),
      samples.map(([path]) => path),
    );
    assert.equal(summary.begin?.backupId, sampleBegin.backupId);
  });

  it('stops when it is interrupted, and leaves its stage', async () => {
    const target = scratchDir('extract');
    const directory = await StagedDirectory.create(target, { empty: true });
    const controller = new AbortController();
    const reason = new BackupError('interrupted', 'interrupted');
    const error = await failureOf(() =>
      extract(sourceOf(assemble(samples), 700), directory, {
        signal: controller.signal,
        onProgress: () => {
          controller.abort(reason);
        },
      }),
    );
    assert.equal(error, reason);
    assert.deepEqual(readdirSync(target), [stageName]);
  });

  it('reports a file that cannot be opened when it is read, not by a crash before', async () => {
    const missing = openFileSource(joinPath(scratchDir('source'), 'missing'));
    const target = scratchDir('extract');
    const directory = await StagedDirectory.create(target, { empty: true });
    // Another file is opened and read meanwhile, as long as the first would have taken.
    await readFile('package.json');
    const error = await failureOf(() => extract(missing, directory, {}));
    assert.equal(error.status, 20);
    assert.match(error.message, /missing: no such file or directory/);
  });

  it('keeps what is in the target already', async () => {
    const target = scratchDir('extract');
    writeFileSync(joinPath(target, 'mine'), 'mine');
    const { error } = await extractInto(target, assemble([['a', 'x']]));
    assert.equal(error, undefined);
    const { mine, a } = treeOf(target);
    assert.deepEqual([mine, a], ['mine', 'x']);
  });
});

describe('a hostile archive', () => {
  const [mine, evil] = ['mine', 'evil'];

  /** A target with a neighbour that must not be touched, and what is in both. */
  function playground(): { target: string; all: () => Record<string, string> } {
    const folder = scratchDir('hostile');
    const target = joinPath(folder, 'target');
    for (const name of ['target/db', 'outside'])
      mkdirSync(joinPath(folder, name), { recursive: true });
    writeFileSync(joinPath(target, 'file'), mine);
    writeFileSync(joinPath(target, 'db', 't.ibd'), mine);
    writeFileSync(joinPath(folder, 'outside', 'file'), mine);
    symlinkSync(joinPath(folder, 'outside'), joinPath(target, 'link'));
    symlinkSync(joinPath(folder, 'outside', 'new'), joinPath(target, 'dangling'));
    symlinkSync(joinPath(folder, 'outside', 'file'), joinPath(target, 'to-file'));
    return { target, all: () => treeOf(folder) };
  }

  /** Nothing but a stage may be there that was not there before. */
  async function assertHarmless(archive: Uint8Array, what: string): Promise<void> {
    const { target, all } = playground();
    const before = all();
    const { error } = await extractInto(target, archive, { anyArchive: true });
    assert.ok(error, what);
    assert.ok(error.status === 20 || error.status === 31, what);
    const kept = Object.entries(all()).filter(([path]) => !path.includes(`/${stageName}/`));
    assert.deepEqual(Object.fromEntries(kept), before, what);
  }

  it('writes nothing outside: absolute names, "..", and all their spellings', async () => {
    const outside = joinPath(scratchDir('outside'), 'evil');
    const names = [
      outside,
      '../outside/new',
      'new/../../../outside/new',
      'db/../../outside/new',
      './../outside/new',
      '..',
      '.',
      'a/./b',
    ];
    for (const path of names) {
      await assertHarmless(join(...stockMember(path, evil)), path);
      await assertHarmless(assemble([[path, evil]]), path);
      await assertHarmless(endChunk(path), path);
      await assertHarmless(join(chunk('S', path, u64(1)), endChunk(path)), path);
      await assertHarmless(sparseChunk(path, 0, [[0, 4]], text(evil)), path);
    }
    assert.throws(() => statSync(outside), /ENOENT/);
  });

  it('moves and removes nothing outside', async () => {
    const a = join(...stockMember('a', evil));
    for (const path of ['../outside/file', '/etc/hostname', '../target/file']) {
      const name = text(path);
      await assertHarmless(join(a, chunk('R', 'a', u32(name.length), name)), `rename to ${path}`);
      await assertHarmless(chunk('R', path, u32(1), text('b')), `rename from ${path}`);
      await assertHarmless(chunk('D', path), `remove ${path}`);
    }
  });

  it('writes through no symbolic link that waits in the target', async () => {
    for (const path of ['link/new', 'link/file', 'link', 'dangling', 'to-file', 'dangling/x']) {
      await assertHarmless(join(...stockMember(path, evil)), path);
      await assertHarmless(assemble([[path, evil]]), path);
      const name = text(path);
      const rename = chunk('R', 'a', u32(name.length), name);
      await assertHarmless(join(...stockMember('a', evil), rename), `rename to ${path}`);
      await assertHarmless(chunk('D', path), `remove ${path}`);
    }
  });

  it('overwrites nothing that is in the target, and puts nothing beside it', async () => {
    for (const path of ['file', 'db/t.ibd', 'db/new', 'db', 'file/x', './file']) {
      await assertHarmless(join(...stockMember(path, evil)), path);
      await assertHarmless(assemble([[path, evil]]), path);
    }
    await assertHarmless(chunk('D', 'file'), 'remove');
    await assertHarmless(chunk('R', 'file', u32(1), text('b')), 'rename');
  });

  it('has no way into the stage by name', async () => {
    for (const path of [stageName, `${stageName}/a`]) {
      await assertHarmless(join(...stockMember(path, evil)), path);
    }
  });

  it('fails when a file of it is where a directory of it should be', async () => {
    for (const paths of [
      ['a', 'a/b'],
      ['a/b', 'a'],
    ]) {
      // prettier-ignore
      const archive = join(...paths.flatMap((path) => stockMember(path, evil)));
      await assertHarmless(archive, paths.join(' and '));
    }
  });

  it('replaces no file of its own under another spelling of its name', async () => {
    await assertHarmless(join(...stockMember('a', 'x'), ...stockMember('./a', evil)), './a');
    const { error, target } = await extractNew(stockArchive(...stockMember('./a', 'x')));
    assert.equal(error, undefined);
    assert.equal(treeOf(target)['a'], 'x');
  });
});
