import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodeManifest } from '../../formats/archive-record/index.ts';
import {
  type Orphan,
  findOrphans,
  idleOrphans,
  removeOrphans,
} from '../../src/catalogue/orphans.ts';
import type { OpenUpload } from '../../src/store/object-store.ts';
import { Place, chain, manifestOf } from './support.ts';

const old = '2026-11-01T00:00:00Z';
const recent = '2026-11-20T12:00:00Z';
const now = new Date('2026-11-21T00:00:00Z');

async function orphansOf(place: Place, uploads?: readonly OpenUpload[]): Promise<Orphan[]> {
  return findOrphans(await place.read(), uploads).found;
}

const namesOf = (orphans: readonly { name: string }[]): string[] => orphans.map(({ name }) => name);

/** An upload into a bucket. */
const upload = (key: string, active: string, size = 100): OpenUpload => ({
  key,
  id: `upload of ${key}`,
  size,
  active: new Date(active),
});

/** Leaves what is in a stage, all of it of one moment. */
function stage(place: Place, name: string, modified: string): void {
  place.file(`${name}/xbpipe-partial/archive.xbs`, 'half', modified);
  utimesSync(join(place.root, name, 'xbpipe-partial'), new Date(modified), new Date(modified));
}

describe('orphans', () => {
  it('are archive objects beside which no manifest lies, by the backup they were to be', async () => {
    const place = chain()
      .file('dead/archive.xbs', 'first', old)
      .file('dead/archive.0002.xbs', 'second', recent)
      .file('deep/er/archive.10000.xbs', 'x', old)
      .file('archive.xbs', 'at the top', old)
      .file('mon/archive.0002.xbs', 'beside a manifest')
      .file('dead/notes.txt', 'no archive')
      .file('dead/archive.xbs.bak', 'no archive')
      .file('dead/archive.2.xbs', 'no archive');
    const found = await orphansOf(place);
    assert.deepEqual(namesOf(found), ['', 'dead', 'deep/er']);
    assert.deepEqual(
      found.map(({ objects }) => objects.map(({ key }) => key)),
      [
        ['archive.xbs'],
        ['dead/archive.0002.xbs', 'dead/archive.xbs'],
        ['deep/er/archive.10000.xbs'],
      ],
    );
    assert.deepEqual(found.map(({ size, active }) => [size, active]).at(1), [11, new Date(recent)]);
  });

  it('are uploads left open as well, whatever they were to become', async () => {
    const place = chain().file('dead/archive.xbs', 'first', old);
    const found = await orphansOf(place, [
      upload('dead/archive.0002.xbs', recent),
      upload('piped.xbs', old, 7),
    ]);
    assert.deepEqual(
      found.map(({ name, objects, uploads, size }) => [name, objects.length, uploads.length, size]),
      [
        ['', 0, 1, 7],
        ['dead', 1, 1, 105],
      ],
    );
  });

  it('are said not to be all where the store does not tell of uploads', async () => {
    const catalogue = await chain().read();
    assert.equal(findOrphans(catalogue, undefined).knowsUploads, false);
    assert.equal(findOrphans(catalogue, []).knowsUploads, true);
  });

  it('are no objects that a manifest names, or one that cannot be read may name', async () => {
    const objects = [{ name: '../archive.xbs', size: 4 }];
    const place = new Place()
      .backup('in/archive', '2026-11-01T01:00:00Z', { objects, index: 'index.json' })
      .file('doubt/imported/manifest.json', '{')
      .file('doubt/archive.xbs', 'of which one?')
      .file('damaged/manifest.json', '{')
      .file('damaged/archive.xbs', 'whole, perhaps');
    assert.deepEqual(await orphansOf(place), []);
  });

  it('are for sure only when all of them were idle long enough', async () => {
    const place = new Place()
      .file('dead/archive.xbs', 'x', old)
      .file('running/archive.xbs', 'x', old)
      .file('fresh/archive.xbs', 'x', recent);
    const found = await orphansOf(place, [
      upload('running/archive.0002.xbs', recent),
      upload('stopped/archive.xbs', old),
    ]);
    const judged = idleOrphans(found, 24, now);
    assert.deepEqual(namesOf(judged.idle), ['dead', 'stopped']);
    assert.deepEqual(namesOf(judged.tooYoung), ['fresh', 'running']);
    assert.deepEqual(namesOf(idleOrphans(found, 12, now).tooYoung), []);
    assert.deepEqual(namesOf(idleOrphans(found, 13, now).tooYoung), ['fresh', 'running']);
  });

  it('are removed, stages and all, and nothing else is', async () => {
    const place = chain().file('dead/archive.xbs', 'x').file('dead/archive.0002.xbs', 'x');
    stage(place, 'cut', old);
    stage(place, 'running', recent);
    const found = await orphansOf(place, await place.store.openUploads(''));
    assert.deepEqual(namesOf(found), ['cut', 'dead', 'running']);
    const { idle } = idleOrphans(found, 24, now);
    assert.deepEqual(namesOf(idle), ['cut']);
    const { found: all } = findOrphans(await place.read(), undefined);
    assert.equal(await removeOrphans(place.store, [...idle, ...all]), 2);
    assert.deepEqual(await place.keys(), await chain().keys());
    assert.deepEqual(
      (await place.store.openUploads('')).map(({ key }) => key),
      ['running'],
    );
  });

  it('are left when they have become a backup since they were listed', async () => {
    const place = new Place().file('slow/archive.xbs', new Uint8Array(10), old);
    const found = await orphansOf(place);
    place.file('slow/manifest.json', encodeManifest(manifestOf('slow', '2026-11-02T01:00:00Z')));
    assert.equal(await removeOrphans(place.store, found), 0);
    assert.equal((await place.read()).backups[0]?.problem, undefined);
  });
});
