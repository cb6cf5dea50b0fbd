import assert from 'node:assert/strict';
import { symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodeManifest } from '../../formats/archive-record/index.ts';
import { readCatalogue } from '../../src/catalogue/read-catalogue.ts';
import { BackupError } from '../../src/errors.ts';
import { FileStore } from '../../src/store/file-store.ts';
import type { ObjectRange } from '../../src/store/object-store.ts';
import { failureOf } from '../archive/support.ts';
import { Place, chain, manifestOf } from './support.ts';

/** Name, parent and problem of each backup, in the order of the catalogue. */
async function outline(place: Place): Promise<string[]> {
  const { backups } = await place.read();
  return backups.map(
    ({ name, parent, problem }) => `${parent?.name ?? ''}>${name} ${problem ?? 'ok'}`,
  );
}

describe('a catalogue', () => {
  it('has chains as trees, the oldest first, wherever the backups lie', async () => {
    const place = chain()
      .backup('sub/dir/later', '2026-11-09T01:00:00Z', { parentId: 'old' })
      .backup('old', '2026-10-01T01:00:00Z');
    assert.deepEqual(await outline(place), [
      '>old ok',
      'old>sub/dir/later ok',
      '>mon ok',
      'mon>tue ok',
      'tue>wed ok',
      'mon>alt ok',
    ]);
  });

  it('is empty for a place that holds nothing, or is not there', async () => {
    assert.deepEqual(await outline(new Place()), []);
    const { backups, objects } = await readCatalogue(new FileStore('/nowhere/at/all'));
    assert.deepEqual([backups.length, objects.size], [0, 0]);
  });

  it('finds the backup that is the place itself', async () => {
    const place = new Place().file('archive.xbs', new Uint8Array(10));
    place.file('manifest.json', encodeManifest(manifestOf('id', '2026-11-02T01:00:00Z')));
    assert.deepEqual(await outline(place), ['> ok']);
  });

  it('finds no backup through a link: it would be there twice', async () => {
    const place = chain();
    symlinkSync('mon', join(place.root, 'latest'));
    symlinkSync('.', join(place.root, 'loop'));
    assert.equal((await place.read()).backups.length, 4);
  });

  it('shows what the listing shows to be missing or of another size', async () => {
    const objects = [
      { name: 'archive.xbs', size: 10 },
      { name: 'archive.0002.xbs', size: 5 },
    ];
    const place = new Place()
      .backup('a', '2026-11-01T01:00:00Z', { objects })
      .backup('b', '2026-11-02T01:00:00Z', { objects })
      .backup('c', '2026-11-03T01:00:00Z', {
        objects: [{ name: '../c.xbs', size: 7 }],
        index: 'index.json',
      })
      .backup('d', '2026-11-04T01:00:00Z', {
        objects: [{ name: '../d.xbs', size: 7 }],
        index: 'index.json',
      });
    unlinkSync(join(place.root, 'a/archive.0002.xbs'));
    place.file('b/archive.0002.xbs', 'xyz');
    unlinkSync(join(place.root, 'd/index.json'));
    assert.deepEqual(await outline(place), [
      '>a archive.0002.xbs is missing',
      '>b archive.0002.xbs has 3 bytes instead of 5',
      '>c ok',
      '>d index.json is missing',
    ]);
  });

  it('reads nothing but the manifests', async () => {
    const place = chain();
    const read: string[] = [];
    const store = new (class extends FileStore {
      override async read(range: ObjectRange, into: Uint8Array): Promise<void> {
        read.push(range.key);
        await super.read(range, into);
      }
      override async head(key: string): Promise<never> {
        await Promise.resolve();
        assert.fail(`asked for ${key}`);
      }
    })(place.root);
    await readCatalogue(store);
    assert.deepEqual(
      read.sort(),
      ['alt', 'mon', 'tue', 'wed'].map((name) => `${name}/manifest.json`),
    );
  });

  it('calls a backup broken whose parent is missing or broken, and all after it', async () => {
    const place = chain();
    unlinkSync(join(place.root, 'tue/archive.xbs'));
    place.backup('lost', '2026-11-06T01:00:00Z', { parent: 'gone' });
    place.backup('more', '2026-11-07T01:00:00Z', { parent: 'lost' });
    assert.deepEqual(await outline(place), [
      '>mon ok',
      'mon>tue archive.xbs is missing',
      'tue>wed its parent tue is broken',
      'mon>alt ok',
      '>lost its parent gone is missing',
      'lost>more its parent lost is broken',
    ]);
  });

  it('shows backups that name each other, or themselves, as their parents', async () => {
    const place = new Place()
      .backup('a', '2026-11-01T01:00:00Z', { parent: 'b' })
      .backup('b', '2026-11-02T01:00:00Z', { parent: 'a' })
      .backup('self', '2026-11-03T01:00:00Z', { parent: 'self' });
    assert.deepEqual(await outline(place), [
      '>b it is among its own parents',
      'b>a its parent b is broken',
      '>self it is among its own parents',
    ]);
  });

  it('gives the increments of a backup that is there twice to the one that is ok', async () => {
    const place = new Place()
      .backup('first', '2026-11-01T01:00:00Z', { backupId: 'id' })
      .backup('second', '2026-11-01T01:00:00Z', { backupId: 'id' })
      .backup('increment', '2026-11-02T01:00:00Z', { parent: 'id' });
    unlinkSync(join(place.root, 'first/archive.xbs'));
    assert.deepEqual(await outline(place), [
      '>first archive.xbs is missing',
      '>second ok',
      'second>increment ok',
    ]);
  });

  it('goes on past manifests that are damaged, foreign, too long or of no time', async () => {
    const place = new Place().backup('good', '2026-11-02T01:00:00Z');
    const text = new TextDecoder().decode(encodeManifest(manifestOf('x', '2026-11-02T01:00:00Z')));
    place
      .file('cut/manifest.json', text.slice(0, 100))
      .file('foreign/manifest.json', '{"short_name": "App"}')
      .file('long/manifest.json', new Uint8Array(16 * 1024 * 1024 + 1))
      .file('never/manifest.json', text.replace('2026-11-02T01:00:00.000Z', 'yesterday'))
      .file('away/manifest.json', text.replace('archive.xbs', '../../x'));
    const { backups, unreadable } = await place.read();
    assert.deepEqual(
      backups.map(({ name }) => name),
      ['good'],
    );
    assert.deepEqual(
      unreadable.map(({ name, error }) => [name, error.code]),
      ['away', 'cut', 'foreign', 'long', 'never'].map((name) => [name, 'corrupt']),
    );
  });

  it('is given up when it is interrupted, and not called unreadable', async () => {
    const place = chain();
    const controller = new AbortController();
    const store = new (class extends FileStore {
      override async read(range: ObjectRange): Promise<void> {
        controller.abort(new BackupError('interrupted', 'interrupted'));
        await Promise.resolve();
        throw new BackupError('storage', `${range.key}: cut`);
      }
    })(place.root);
    const failure = await failureOf(() => readCatalogue(store, controller.signal));
    assert.equal(failure.code, 'interrupted');
  });
});
