import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type BeginRecord, encodeManifest } from '../../formats/archive-record/index.ts';
import { openChain } from '../../src/cli/open-chain.ts';
import { restoreOpened } from '../../src/cli/commands/restore.ts';
import type { BackupError } from '../../src/errors.ts';
import { failureOf } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { type MadeLink, archiveOf, beginOf, page, pageSize, pagesOf } from './support.ts';

const { signal } = new AbortController();
const access = { s3: {} } as never;
const silent = { info: () => undefined, warn: () => undefined, progress: () => undefined };

const made: MadeLink[] = [
  { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('a0', 'a1') }] },
  ...['b', 'c'].map((name) => ({
    files: [
      {
        path: 'db/t.ibd',
        spaceId: 5,
        delta: { fileSize: 2 * pageSize, pages: new Map([[1, page(name)]]) },
      },
    ],
  })),
];

/** Backups side by side: `link0`, the full one, and the increments on it. */
function placeOf(changes: Partial<BeginRecord>[] = []): string {
  const place = scratchDir('place');
  for (const [ordinal, link] of made.entries()) {
    const begin = beginOf(ordinal, changes[ordinal]);
    const archive = archiveOf(link, begin);
    const directory = join(place, `link${ordinal}`);
    mkdirSync(directory);
    writeFileSync(join(directory, 'archive.xbs'), archive);
    const manifest = encodeManifest({
      ...begin,
      toLsn: begin.redoStart + 100,
      lastLsn: begin.redoStart + 200,
      startedAt: `2026-11-2${ordinal}T02:43:08.000Z`,
      finishedAt: `2026-11-2${ordinal}T02:43:09.000Z`,
      members: 2,
      plainBytes: 1,
      objects: [{ name: 'archive.xbs', size: archive.length }],
    });
    writeFileSync(join(directory, 'manifest.json'), manifest);
  }
  return place;
}

async function linksOf(...from: string[]): Promise<string[]> {
  const chain = await openChain(from, undefined, access, signal);
  return 'links' in chain ? chain.links.map(({ begin }) => begin.backupId) : [];
}

/** What a restore of these fails with; it must not have touched the data directory. */
/** What a restore of these fails with; it must have left nothing in the data directory. */
async function refusal(...from: string[]): Promise<BackupError> {
  const datadir = join(scratchDir('restored'), 'data');
  const error = await failureOf(async () => {
    const chain = await openChain(from, undefined, access, signal);
    const options = { datadir, key: undefined, serverArguments: [] };
    await restoreOpened(chain, options, { reporter: silent, signal });
  });
  assert.deepEqual(existsSync(datadir) ? readdirSync(datadir) : [], []);
  return error;
}

describe('a chain', () => {
  it('is found by the manifests, whatever the backups are called', async () => {
    const place = placeOf();
    assert.deepEqual(await linksOf(join(place, 'link2')), ['id-0', 'id-1', 'id-2']);
    renameSync(join(place, 'link0'), join(place, 'zero'));
    assert.deepEqual(await linksOf(join(place, 'link1')), ['id-0', 'id-1']);
    assert.deepEqual(await linksOf(join(place, 'zero')), []);
  });

  it('is what is named, link by link', async () => {
    const place = placeOf();
    const archives = [0, 1, 2].map((i) => join(place, `link${i}`, 'archive.xbs'));
    assert.deepEqual(await linksOf(...archives), ['id-0', 'id-1', 'id-2']);
  });

  it('is refused when a link of it is missing', async () => {
    const place = placeOf();
    rmSync(join(place, 'link1'), { recursive: true });
    const error = await refusal(join(place, 'link2'));
    assert.deepEqual([error.code, error.status], ['chain', 40]);
    assert.match(error.message, /link2 cannot be restored: its parent id-1 is missing/);
  });

  it('is refused when a link of it is not whole', async () => {
    const place = placeOf();
    rmSync(join(place, 'link1', 'archive.xbs'));
    const error = await refusal(join(place, 'link2'));
    assert.equal(error.code, 'chain');
    assert.match(error.message, /link1 cannot be restored: .*archive\.xbs/);
  });

  it('is refused when a link was replaced by another', async () => {
    const place = placeOf();
    const other = join(placeOf([{}, { backupId: 'id-9' }]), 'link1');
    const link = join(place, 'link1');
    const manifest = readFileSync(join(other, 'manifest.json'), 'utf8');
    rmSync(link, { recursive: true });
    renameSync(other, link);
    writeFileSync(join(link, 'manifest.json'), manifest.replace('id-9', 'id-1'));
    const error = await refusal(join(place, 'link2'));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /link1 is of another backup than its manifest/);
  });

  it('is refused when its links are swapped, or one is left out or comes twice', async () => {
    const place = placeOf();
    const named = (...ordinals: number[]): string[] => ordinals.map((i) => join(place, `link${i}`));
    for (const ordinals of [
      [0, 2, 1],
      [0, 2],
      [1, 2],
      [0, 1, 1],
      [1, 0],
    ]) {
      assert.equal((await refusal(...named(...ordinals))).code, 'chain', String(ordinals));
    }
  });

  it('is refused when an increment was taken from to_lsn', async () => {
    const place = placeOf([{}, { sinceLsn: 46_100 }]);
    const error = await refusal(join(place, 'link2'));
    assert.equal(error.code, 'chain');
    assert.match(error.message, /changed from LSN 46000 to 46100 are missing/);
    assert.match(error.hint ?? '', /--incremental-lsn=46000/);
  });

  it('is not an increment alone', async () => {
    const place = placeOf();
    const error = await refusal(join(place, 'link1', 'archive.xbs'));
    assert.equal(error.code, 'chain');
    assert.match(error.message, /alone it is no backup/);
    assert.match(error.hint ?? '', /--from FULL --from INCREMENT/);
  });
});
