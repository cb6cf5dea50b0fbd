import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { BackupError, type FailureCode } from '../../src/errors.ts';
import { extract } from '../../src/restore/extract.ts';
import { StagedDirectory } from '../../src/sink/staged-directory.ts';
import { stageName } from '../../src/store/stage-name.ts';
import { type Sample, assemble, sourceOf } from '../archive/support.ts';
import { memberEncoder } from '../../src/transform/member-encoder.ts';
import { seededRandom } from '../support/random.ts';
import { scratchDir } from '../support/scratch.ts';
import { inputOf } from './change.ts';
import type { Input } from './target.ts';
import { key } from './targets/archive.ts';
import { targetNamed } from './targets/index.ts';

const inputsPerTarget = 50;
/** Each of these starts threads. */
const inputsPerMember = 8;
const firstSeed = 100_000;
const refusals: readonly FailureCode[] = ['incomplete', 'corrupt', 'wrong-key', 'usage'];

interface Way {
  what: string;
  target: string;
  anyArchive: boolean;
  /** True for archives of which any change must be refused. */
  proved: boolean;
  /** For readers of members: what they read becomes a member of this name, in a whole archive. */
  member?: string;
}

const ways: readonly Way[] = [
  { what: 'changed archives of ours', target: 'archive', anyArchive: false, proved: true },
  { what: 'changed encrypted archives', target: 'archive-sealed', anyArchive: false, proved: true },
  {
    what: 'archives whose records lie',
    target: 'archive-forged',
    anyArchive: false,
    proved: false,
  },
  { what: 'changed archives of others', target: 'archive-stock', anyArchive: true, proved: false },
  ...members('zstd', 't.ibd.zst'),
  ...members('lz4', 't.ibd.lz4'),
  ...members('qpress', 't.ibd.qp'),
  ...members('xbcrypt', 't.ibd.xbcrypt'),
];

/** Whole archives with a member that was damaged before it came into them. */
function members(target: string, member: string): Way[] {
  const what = `a changed ${member} in a whole archive`;
  return [{ what, target, anyArchive: false, proved: true, member }];
}

/** The archive of a way, and what is in it. */
function madeOf(input: Input, { member }: Way): Uint8Array {
  return member === undefined ? input.bytes : assemble([[member, input.bytes]]);
}

/** What extraction makes of it: undefined when it takes the archive. */
async function failureOf(
  archive: Uint8Array,
  directory: StagedDirectory,
  { anyArchive }: Way,
): Promise<unknown> {
  const pieceBytes = 1 + seededRandom(archive.length).below(archive.length || 1);
  try {
    await extract(sourceOf(archive, pieceBytes), directory, {
      anyArchive,
      key,
      decoding: { decompress: true, key },
    });
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('extract', () => {
  const targetsMade: string[] = [];

  for (const way of ways) {
    it(`refuses ${way.what} by name and moves nothing out of the stage`, async () => {
      const reader = await targetNamed(way.target).open();
      let refused = 0;
      const count = way.member === undefined ? inputsPerTarget : inputsPerMember;
      for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
        const input = inputOf(reader, seed);
        const target = scratchDir('fuzz');
        targetsMade.push(basename(target));
        const directory = await StagedDirectory.create(target, { empty: true });
        const failure = await failureOf(madeOf(input, way), directory, way);
        const where = `seed ${seed}: ${String(failure)}`;
        assert.deepEqual(readdirSync(target), [stageName], where);
        assert.deepEqual(openBelow(target), [], where);
        if (failure === undefined) {
          assert.equal(way.proved && objectionTo(reader, input), way.proved && undefined, where);
          continue;
        }
        refused += 1;
        assert.ok(failure instanceof BackupError, where);
        assert.ok(refusals.includes(failure.code), `${where} (${failure.code})`);
        if (way.member !== undefined) assert.ok(failure.message.includes(way.member), where);
      }
      assert.ok(refused > count / 3, `only ${refused} were refused`);
    });
  }

  after(() => {
    // Beside the targets there is nothing: no path led out of one.
    const beside = readdirSync(new URL('..', `file://${scratchDir('last')}/`));
    const made = new Set(targetsMade);
    assert.deepEqual(
      beside.filter((name) => !made.has(name) && !name.endsWith('-last')),
      [],
    );
  });
});

function objectionTo(
  reader: Awaited<ReturnType<ReturnType<typeof targetNamed>['open']>>,
  input: Input,
): string | undefined {
  return reader.objection?.(reader.read(input.bytes, seededRandom(1)), input);
}

/** Names that are one file in the end, or one file and a folder, or that a file system refuses. */
const hostileNames: readonly (readonly string[])[] = [
  ['a', 'a/b'],
  ['a/b', 'a'],
  ['a', 'a.zst'],
  ['a.zst', 'a.lz4'],
  ['a.lz4', 'a'],
  ['n'.repeat(300)],
  [`${'d/'.repeat(250)}x`, 'd'],
  ['xbpipe-partial/x', 'xbpipe-partial'],
];

describe('extract of names that do not go together', () => {
  const empty = { zst: encoded('zst'), lz4: encoded('lz4') };
  for (const names of hostileNames) {
    it(`refuses or separates ${names.map((name) => name.slice(0, 20)).join(' and ')}`, async () => {
      const target = scratchDir('names');
      const directory = await StagedDirectory.create(target, { empty: true });
      const held = names.map((name): Sample => {
        const suffix = /\.(zst|lz4)$/.exec(name)?.[1] as keyof typeof empty | undefined;
        return [name, suffix ? empty[suffix] : 'content'];
      });
      const way = ways[0] ?? assert.fail();
      const failure = await failureOf(assemble(held), directory, way);
      assert.deepEqual(readdirSync(target), [stageName]);
      assert.deepEqual(openBelow(target), []);
      if (failure === undefined) return;
      assert.ok(failure instanceof BackupError, inspect(failure));
      assert.ok(
        [...refusals, 'storage'].includes(failure.code),
        `${failure.code}: ${failure.message}`,
      );
    });
  }
});

function encoded(algorithm: 'zst' | 'lz4'): Uint8Array {
  const compression =
    algorithm === 'zst'
      ? ({ algorithm: 'zstd', level: 1 } as const)
      : ({ algorithm: 'lz4', blockBytes: 65_536 } as const);
  const encoder = memberEncoder({ compression, digests: false }, { packed: false });
  return encoder?.encode(Buffer.from('content')).slice() ?? assert.fail();
}

/** Files of this process that are still open below a folder. */
function openBelow(folder: string): string[] {
  const self = '/proc/self/fd';
  return readdirSync(self)
    .map((fd) => {
      try {
        return readlinkSync(join(self, fd));
      } catch {
        return ''; // The descriptor of this very listing.
      }
    })
    .filter((path) => path.startsWith(folder));
}
