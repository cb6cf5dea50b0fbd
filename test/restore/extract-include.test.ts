import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { describe, it } from 'node:test';
import { NamePatterns } from '../../src/restore/name-patterns.ts';
import {
  flipped,
  rearranged,
  samples,
  stockArchive,
  stockMember,
  writeArchive,
} from '../archive/support.ts';
import { key, otherKey, writeEncoded } from '../archive/encrypted-support.ts';
import { chunk, text, u32 } from '../formats/xbstream/support.ts';
import { treeOf } from '../sink/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { runShell, runTool } from '../support/tool.ts';
import { extractNew } from './extract-support.ts';

const include = (...globs: string[]): { include: NamePatterns } => ({
  include: new NamePatterns(globs),
});

describe('extract of some members from a stream', () => {
  it('writes those, and judges the whole archive', async () => {
    const archive = await writeArchive(samples);
    const { error, target } = await extractNew(archive, {
      ...include('db/t.ibd', 'ib*'),
      pieceBytes: 7,
    });
    assert.equal(error, undefined);
    assert.deepEqual(treeOf(target), { 'db/t.ibd': 'rows', ibdata1: 'first half,second half' });
    const { error: damage } = await extractNew(
      flipped(archive, archive.length - 600, 3),
      include('db/t.ibd'),
    );
    assert.ok(damage, 'damage elsewhere is found as well');
    const cut = rearranged(archive, (all) => all.slice(0, -1));
    assert.equal((await extractNew(cut, include('db/t.ibd'))).error?.code, 'incomplete');
  });

  it('is refused when nothing has such a name', async () => {
    const { error } = await extractNew(await writeArchive(samples), include('db/none'));
    assert.equal(error?.code, 'usage');
  });

  it('follows what MariaDB renames and removes, and refuses a name that came only by that', async () => {
    const rename = (from: string, to: string): Uint8Array =>
      chunk('R', from, u32(to.length), text(to));
    const archive = stockArchive(
      ...stockMember('db/old.ibd', 'rows'),
      ...stockMember('db/gone.ibd', 'rows'),
      ...stockMember('db/other.ibd', 'rows'),
      rename('db/old.ibd', 'db/new.ibd'),
      chunk('D', 'db/gone.ibd'),
    );
    const { error, target } = await extractNew(archive, include('db/*'));
    assert.equal(error, undefined);
    assert.deepEqual(Object.keys(treeOf(target)), ['db/new.ibd', 'db/other.ibd']);
    for (const glob of ['db/new.ibd', 'db/old.ibd']) {
      const { error: half } = await extractNew(archive, include(glob));
      assert.equal(half?.code, 'usage');
      assert.match(half.message, /db\/old\.ibd was renamed to db\/new\.ibd/);
    }
    assert.equal((await extractNew(archive, include('db/other.ibd'))).error, undefined);
  });
});

describe('xbpipe extract --include', () => {
  const archiveFile = (bytes: Uint8Array): string => {
    const path = joinPath(scratchDir('archive'), 'a.xbs');
    writeFileSync(path, bytes);
    return path;
  };
  const keyFile = (bytes: Uint8Array): string => archiveFile(bytes);

  it('takes several patterns, says what matched nothing and counts the files', async () => {
    const from = archiveFile(await writeArchive(samples));
    const target = scratchDir('out');
    const args = ['extract', '--include', 'db/*.ibd', '--include=nothing', `--from=${from}`];
    const { status, stderr } = await runTool([...args, '-C', target, '--verbose']);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /nothing matches nothing/);
    assert.match(stderr, /db\/t\.ibd\n/);
    assert.match(stderr, /1 files in /);
    assert.deepEqual(treeOf(target), { 'db/t.ibd': 'rows' });
  });

  it('does the same from a pipe and from an archive without an index', async () => {
    const stock = stockArchive(...stockMember('ibdata1', 'x'), ...stockMember('db/t.ibd', 'rows'));
    for (const [bytes, from] of [
      [await writeArchive(samples), '< "$1"'],
      [stock, '< "$1"'],
      [stock, '--from "$1"'],
    ] as const) {
      const target = scratchDir('out');
      const script = `xbpipe extract --include db/t.ibd -C "$2" ${from}`;
      const { status, stderr } = await runShell(script, archiveFile(bytes), target);
      assert.equal(status, 0, stderr);
      assert.deepEqual(treeOf(target), { 'db/t.ibd': 'rows' });
      assert.equal(/no index can be read/.test(stderr), from.startsWith('--from'));
    }
  });

  it('decrypts with the key, refuses another before anything is written, and goes without one', async () => {
    const members = [['db/t.ibd', Buffer.from('rows')] as const];
    const encryption = { algorithm: 'AES256', key, chunkBytes: 4096 };
    const from = archiveFile(await writeEncoded(members, { encryption, digests: true }));
    const run = async (...args: string[]): Promise<[number | null, string[], string]> => {
      const target = scratchDir('out');
      const all = ['extract', '--include=db/t.ibd', `--from=${from}`, '-C', target, ...args];
      const { status, stderr } = await runTool(all);
      return [status, Object.keys(treeOf(target)), stderr];
    };
    const by = (bytes: Uint8Array): string => `--encrypt-key-file=${keyFile(bytes)}`;
    const [status, names, stderr] = await run('--decrypt', by(key));
    assert.deepEqual([status, names], [0, ['db/t.ibd']], stderr);
    assert.match(stderr, /written by somebody who has the key/);
    assert.deepEqual((await run('--decrypt', by(otherKey))).slice(0, 2), [32, []]);
    const [without, encrypted, said] = await run();
    assert.deepEqual([without, encrypted], [0, ['db/t.ibd.xbcrypt']], said);
    assert.match(said, /no index can be read/);
  });

  it('ends with status 2 when nothing matches', async () => {
    const from = archiveFile(await writeArchive(samples));
    const target = scratchDir('out');
    const { status, stderr } = await runTool([
      'extract',
      '--include=x',
      `--from=${from}`,
      '-C',
      target,
    ]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /no file of the archive matches x/);
    assert.deepEqual(treeOf(target), {});
  });
});
