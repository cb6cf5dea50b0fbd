import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Deletion, carryOut, planDeletion } from '../../src/catalogue/deletion.ts';
import { planExpiry } from '../../src/catalogue/expiry.ts';
import { findBackup } from '../../src/catalogue/find-backup.ts';
import { BackupError } from '../../src/errors.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { failureOf } from '../archive/support.ts';
import { Place, chain } from './support.ts';

async function plan(place: Place, name: string, withChain = false): Promise<Deletion> {
  const catalogue = await place.read();
  return planDeletion(catalogue, findBackup(place.store, catalogue, name), withChain);
}

const keysIn = ({ objects }: Deletion): string[] => objects.map(({ key }) => key);

/** Refuses to delete one object. */
class LockedStore extends FileStore {
  readonly #locked: string;

  constructor(root: string, locked: string) {
    super(root);
    this.#locked = locked;
  }

  override async delete(keys: readonly string[]): Promise<void> {
    const denied = keys.find((key) => key === this.#locked);
    if (denied === undefined) {
      await super.delete(keys);
      return;
    }
    const message = `${this.urlOf(denied)}: Access Denied (AccessDenied)`;
    throw new BackupError('credentials', message);
  }
}

describe('deleting a backup', () => {
  it('takes its manifest first, then all that the manifest names, and nothing else', async () => {
    const place = chain().backup('two', '2026-11-09T01:00:00Z', {
      objects: [
        { name: 'archive.xbs', size: 3 },
        { name: 'archive.0002.xbs', size: 2 },
      ],
    });
    place.file('two/notes.txt', 'mine').file('two/sub/archive.xbs', 'another');
    const deletion = await plan(place, 'two');
    assert.deepEqual(keysIn(deletion), [
      'two/manifest.json',
      'two/archive.xbs',
      'two/archive.0002.xbs',
    ]);
    const before = await place.keys();
    await carryOut(place.store, deletion);
    assert.deepEqual(
      await place.keys(),
      before.filter((key) => !keysIn(deletion).includes(key)),
    );
  });

  it('takes archive objects that its manifest does not name along', async () => {
    const place = new Place().backup('a', '2026-11-01T01:00:00Z').file('a/archive.0002.xbs', 'x');
    await carryOut(place.store, await plan(place, 'a'));
    assert.deepEqual(await place.keys(), []);
  });

  it('takes the archive of an imported one along, from where it lies', async () => {
    const place = new Place().backup('in/full', '2026-11-01T01:00:00Z', {
      objects: [{ name: '../full.xbs', size: 7 }],
      index: 'index.json',
    });
    const catalogue = await place.read();
    const [backup] = catalogue.backups;
    assert.ok(backup);
    const deletion = planDeletion(catalogue, backup, false);
    assert.deepEqual(keysIn(deletion), [
      'in/full/manifest.json',
      'in/full.xbs',
      'in/full/index.json',
    ]);
  });

  it('leaves what another backup needs, and every other manifest', async () => {
    const objects = [{ name: '../full.xbs', size: 7 }];
    const place = new Place()
      .backup('one', '2026-11-01T01:00:00Z', { objects, index: 'index.json' })
      .backup('two', '2026-11-02T01:00:00Z', { objects, index: 'index.json' })
      .backup('x/liar', '2026-11-03T01:00:00Z', {
        objects: [{ name: '../archive.xbs', size: 10 }],
        index: 'index.json',
      })
      .backup('x', '2026-11-03T01:00:00Z');
    assert.deepEqual(keysIn(await plan(place, 'one')), ['one/manifest.json', 'one/index.json']);
    const catalogue = await place.read();
    const liar = findBackup(place.store, catalogue, 'x/liar');
    liar.manifest.objects.push({ name: '../manifest.json', size: 1 });
    assert.deepEqual(keysIn(planDeletion(catalogue, liar, false)), [
      'x/liar/manifest.json',
      'x/liar/index.json',
    ]);
  });

  it('is refused when others were taken on it, whatever their state', async () => {
    const place = chain().backup('far/away', '2026-11-06T01:00:00Z', { parent: 'wed' });
    for (const [name, message] of [
      ['mon', 'tue and 3 more cannot be restored without mon'],
      ['wed', 'far/away cannot be restored without wed'],
    ] as const) {
      const failure = await failureOf(() => plan(place, name));
      assert.deepEqual([failure.status, failure.message], [40, message]);
      assert.match(failure.hint ?? '', /--chain/u);
    }
    assert.deepEqual(keysIn(await plan(place, 'alt')), ['alt/manifest.json', 'alt/archive.xbs']);
  });

  it('with its chain takes every increment before that on which it was taken', async () => {
    const deletion = await plan(chain(), 'mon', true);
    assert.deepEqual(
      deletion.backups.map(({ name }) => name),
      ['alt', 'wed', 'tue', 'mon'],
    );
    assert.deepEqual(
      keysIn(deletion),
      ['manifest.json', 'archive.xbs'].flatMap((object) =>
        ['alt', 'wed', 'tue', 'mon'].map((name) => `${name}/${object}`),
      ),
    );
  });

  it('stopped anywhere leaves no backup whose archive is gone, of two that share one either', async () => {
    const shared = { objects: [{ name: '../full.xbs', size: 7 }], index: 'index.json' };
    const crowd = (): Place =>
      chain()
        .backup('one', '2026-10-01T01:00:00Z', shared)
        .backup('two', '2026-10-02T01:00:00Z', shared)
        .backup('new', '2026-11-20T01:00:00Z');
    const expired = async (place: Place): Promise<Deletion> =>
      planExpiry(await place.read(), { full: 1 }, new Date('2026-12-01T00:00:00Z')).deletion;
    const { length } = (await expired(crowd())).objects;
    assert.equal(length, 13);
    for (let gone = 0; gone < length; gone++) {
      const place = crowd();
      const deletion = await expired(place);
      const locked = deletion.objects[gone]?.key ?? '';
      await failureOf(() => carryOut(new LockedStore(place.root, locked), deletion));
      const { backups } = await place.read();
      assert.deepEqual(
        backups.map(({ problem }) => problem).filter((problem) => problem !== undefined),
        [],
        `stopped at ${locked}`,
      );
    }
  });

  it('takes what is left of a broken one', async () => {
    const place = chain();
    await place.store.delete(['wed/archive.xbs']);
    assert.deepEqual(keysIn(await plan(place, 'wed')), ['wed/manifest.json']);
  });

  it('is refused for what is no backup, and for one whose manifest cannot be read', async () => {
    const place = chain().file('dead/archive.xbs', 'x').file('cut/manifest.json', '{');
    const dead = await failureOf(() => plan(place, 'dead'));
    assert.deepEqual([dead.status, /has no manifest\.json/u.test(dead.message)], [30, true]);
    const cut = await failureOf(() => plan(place, 'cut'));
    assert.deepEqual([cut.status, /cannot be read/u.test(cut.message)], [31, true]);
  });

  it('is refused while a manifest of a later version may be of an increment on it', async () => {
    const place = chain().file('cut/manifest.json', '{');
    assert.equal((await plan(place, 'alt')).backups.length, 1);
    place.file('new/manifest.json', '{"format": 2}');
    const failure = await failureOf(() => plan(place, 'alt'));
    assert.match(failure.message, /^whether new needs it is not known: .*reads 1/u);
  });

  it('says which object the store keeps; with its manifest kept, nothing is gone', async () => {
    for (const [locked, gone] of [
      ['mon/manifest.json', []],
      ['mon/archive.xbs', ['mon/manifest.json']],
    ] as const) {
      const place = new Place().backup('mon', '2026-11-02T01:00:00Z');
      const store = new LockedStore(place.root, locked);
      const deletion = await plan(place, 'mon');
      const failure = await failureOf(() => carryOut(store, deletion));
      assert.equal(failure.status, 21);
      assert.equal(
        failure.message,
        `${store.urlOf(locked)}: Access Denied (AccessDenied); ${gone.length} of 2 objects are deleted`,
      );
      assert.match(failure.hint ?? '', /object lock/u);
      assert.match(
        failure.hint ?? '',
        gone.length === 0 ? /nothing is deleted/u : /list --orphans/u,
      );
      const left = keysIn(deletion).filter((key) => !(gone as readonly string[]).includes(key));
      assert.deepEqual(await place.keys(), left.sort());
    }
  });
});
