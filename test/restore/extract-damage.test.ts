import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { before, describe, it } from 'node:test';
import { type Chunk, chunksOf, flipped, rearranged, writeArchive } from '../archive/support.ts';
import { join } from '../formats/xbstream/support.ts';
import {
  DamageRun,
  type Tree,
  extractNew,
  guarded,
  packByMbstream,
  smallTree,
} from './extract-support.ts';
import { treeOf } from '../sink/support.ts';

// Thousands of extractions, each with fsyncs that prove nothing here: in memory if it can be.
try {
  accessSync('/dev/shm', constants.W_OK);
  process.env['TMPDIR'] = '/dev/shm';
} catch {
  // Slower, then.
}

const run = new DamageRun();

/** The archive without byte `at`, and with that byte twice. */
const withoutByte = (archive: Uint8Array, at: number): Uint8Array =>
  join(archive.subarray(0, at), archive.subarray(at + 1));
const withByteTwice = (archive: Uint8Array, at: number): Uint8Array =>
  join(archive.subarray(0, at + 1), archive.subarray(at));

const withoutChunk = (archive: Uint8Array, gone: number): Uint8Array =>
  rearranged(archive, (all) => all.filter((i) => i !== gone));
const withChunkTwice = (archive: Uint8Array, twice: number): Uint8Array =>
  rearranged(archive, (all) => all.flatMap((i) => (i === twice ? [i, i] : [i])));
const withSwapped = (archive: Uint8Array, a: number, b: number): Uint8Array =>
  rearranged(archive, (all) => all.map((i) => (i === a ? b : i === b ? a : i)));

/** Every pair of chunks, by their positions. */
function* pairs(count: number): Generator<[number, number]> {
  for (let a = 0; a < count; a += 1) for (let b = a + 1; b < count; b += 1) yield [a, b];
}

const guardRefuses = async (archive: Uint8Array, what: string): Promise<void> => {
  const { error } = await guarded(archive);
  assert.ok(error, `guard takes ${what} for whole`);
};

describe('a damaged archive of xbpipe never passes for whole:', () => {
  let archive: Uint8Array;
  let whole: Tree;

  before(async () => {
    const tree = { ibdata1: 'system tablespace', 'db/t.ibd': 'rows', 'db/empty.MYD': '' };
    const members = Object.entries(tree).map(([path, content]) => [
      path,
      ...(content.match(/.{1,10}/g) ?? []),
    ]) as [string, ...string[]][];
    archive = await writeArchive(members);
    const { error, target } = await extractNew(archive);
    assert.equal(error, undefined);
    whole = treeOf(target);
    assert.deepEqual({ ...whole, ...tree }, whole);
    assert.equal((await guarded(archive)).error, undefined);
  });

  it('cut at any byte, extracted', async () => {
    for (let cut = 0; cut < archive.length; cut += 1) {
      await run.refuses(archive.subarray(0, cut), `a cut at ${cut}`);
    }
  });

  it('cut at any byte, guarded: and it is called incomplete', async () => {
    for (let cut = 0; cut < archive.length; cut += 1) {
      const { error } = await guarded(archive.subarray(0, cut));
      assert.equal(error?.code, 'incomplete', `cut at ${cut}`);
    }
  });

  it('without its first bytes, any number of them', async () => {
    for (let cut = 1; cut < archive.length; cut += 1) {
      await guardRefuses(archive.subarray(cut), `the archive from byte ${cut}`);
    }
  });

  it('any byte with a flipped bit, extracted', async () => {
    for (let at = 0; at < archive.length; at += 1) {
      await run.refuses(flipped(archive, at, at % 8), `bit ${at % 8} of byte ${at} flipped`);
    }
  });

  it('any bit of any byte flipped, guarded', async () => {
    for (let at = 0; at < archive.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        await guardRefuses(flipped(archive, at, bit), `bit ${bit} of byte ${at} flipped`);
      }
    }
  });

  it('any byte missing, or there twice', async () => {
    for (let at = 0; at < archive.length; at += 1) {
      await guardRefuses(withoutByte(archive, at), `byte ${at} missing`);
      await guardRefuses(withByteTwice(archive, at), `byte ${at} twice`);
    }
  });

  it('any chunk missing, or there twice', async () => {
    for (let i = 0; i < chunksOf(archive).length; i += 1) {
      await run.refuses(withoutChunk(archive, i), `chunk ${i} missing`);
      await run.refuses(withChunkTwice(archive, i), `chunk ${i} twice`);
    }
  });

  it('any two chunks swapped, unless both are ends, whose order says nothing', async () => {
    const chunks = chunksOf(archive);
    for (const [a, b] of pairs(chunks.length)) {
      const tree = await run.treeFrom(withSwapped(archive, a, b), `chunks ${a} and ${b} swapped`);
      if (tree === undefined) continue;
      assert.deepEqual([chunks[a]?.kind, chunks[b]?.kind], ['end', 'end'], `${a} ${b}`);
      assert.deepEqual(tree, whole, `${a} ${b}`);
    }
  });

  it('chunks of another archive of the same files in their place', async () => {
    const other = chunksOf(await writeArchive([['ibdata1', 'other byte']]));
    const mine = chunksOf(archive);
    const at = mine.findIndex(({ path }) => path === 'ibdata1');
    const foreign = other.find(({ path }) => path === 'ibdata1')?.bytes;
    assert.ok(foreign && foreign.length === mine[at]?.bytes.length);
    await run.refuses(join(...mine.map(({ bytes }, i) => (i === at ? foreign : bytes))), 'it');
  });
});

describe('a damaged archive of mbstream does not pass for whole:', () => {
  let archive: Uint8Array;
  let chunks: Chunk[];
  /** The end chunk that is all there is of an empty file. */
  let lone: Chunk;
  const { 'db/empty.MYD': _, ...withoutEmpty } = smallTree;

  before(async () => {
    archive = packByMbstream(smallTree);
    chunks = chunksOf(archive);
    const [found] = chunks.filter(({ path }) => path === 'db/empty.MYD');
    assert.equal(found?.kind, 'end');
    lone = found;
    const { error, target } = await extractNew(archive);
    assert.equal(error, undefined);
    assert.deepEqual(treeOf(target), smallTree);
    assert.equal((await guarded(archive)).error, undefined);
  });

  /** What may have become of an empty file whose only chunk was hit: gone, or of another name. */
  const assertOnlyEmptyFileHit = (tree: Tree, what: string): void => {
    const others = Object.entries(tree).filter(([path]) => !(path in withoutEmpty));
    assert.deepEqual({ ...tree, ...withoutEmpty }, tree, what);
    assert.ok(others.length <= 1 && others.every(([, content]) => content === ''), what);
  };

  it('cut at any byte', async () => {
    for (let cut = 0; cut < archive.length; cut += 1) {
      await run.refuses(archive.subarray(0, cut), `a cut at ${cut}`);
      assert.equal((await guarded(archive.subarray(0, cut))).error?.code, 'incomplete');
    }
  });

  it('any byte with a flipped bit, except in the name of an empty file, which nothing repeats', async () => {
    const nameFrom = lone.to - lone.path.length;
    let accepted = 0;
    for (let at = 0; at < archive.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const damaged = flipped(archive, at, bit);
        // An end that turns into a remove (45 and 44 hex) takes back what was never sent.
        const isKnown = (at >= nameFrom && at < lone.to) || (at === lone.from + 9 && bit === 0);
        const what = `bit ${bit} of byte ${at} flipped`;
        if (!isKnown) await guardRefuses(damaged, what);
        if (!isKnown && bit !== at % 8) continue;
        const tree = await run.treeFrom(damaged, what);
        if (tree === undefined) continue;
        assert.ok(isKnown, `${what} is taken for whole`);
        assertOnlyEmptyFileHit(tree, what);
        accepted += 1;
      }
    }
    assert.ok(accepted > 0, 'if none were left, the exception should go');
  });

  it('any chunk twice', async () => {
    for (let i = 0; i < chunks.length; i += 1) {
      await run.refuses(withChunkTwice(archive, i), `chunk ${i} twice`);
    }
  });

  it('any chunk missing, except what an empty file is, and what makes a file not empty', async () => {
    // A file of one chunk without it is a good empty file, and an empty file without its end is
    // no file at all. The closing files of a backup are never empty, so theirs is missed.
    const known = ['ibdata1', 'db/t.ibd', 'db/empty.MYD'];
    for (const [i, { kind, path }] of chunks.entries()) {
      const tree = await run.treeFrom(withoutChunk(archive, i), `chunk ${i} missing`);
      if (tree === undefined) continue;
      assert.ok(known.includes(path), `${kind} ${path}`);
      const { [path]: _, ...rest } = smallTree;
      assert.deepEqual({ ...tree, ...rest }, tree);
      assert.equal(tree[path] ?? '', '');
    }
  });

  it('any two chunks swapped, unless the files come out the same', async () => {
    for (const [a, b] of pairs(chunks.length)) {
      const tree = await run.treeFrom(withSwapped(archive, a, b), `chunks ${a} and ${b} swapped`);
      if (tree !== undefined) assert.deepEqual(tree, smallTree, `${a} ${b}`);
    }
  });
});
