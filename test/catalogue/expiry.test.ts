import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KeepRules, planExpiry } from '../../src/catalogue/expiry.ts';
import { failureOf } from '../archive/support.ts';
import { Place } from './support.ts';

const now = new Date('2026-11-21T00:00:00Z');

/** A full backup each week of November at noon, with increments two and four days after. */
function month(): Place {
  const place = new Place();
  for (const day of [1, 8, 15]) {
    const full = `f${day}`;
    const at = (later: number): string =>
      `2026-11-${String(day + later).padStart(2, '0')}T12:00:00Z`;
    place
      .backup(full, at(0))
      .backup(`${full}+2`, at(2), { parent: full })
      .backup(`${full}+4`, at(4), { parent: `${full}+2` });
  }
  return place;
}

/** The first backups of the chains that stay, are broken, and go. */
async function judge(
  place: Place,
  rules: KeepRules,
  at = now,
): Promise<{ keep: string[]; broken: string[]; expire: string[] }> {
  const { chains } = planExpiry(await place.read(), rules, at);
  const those = (verdict: string): string[] =>
    chains.filter((chain) => chain.verdict === verdict).map(({ first }) => first.name);
  return { keep: those('keep'), broken: those('broken'), expire: those('expire') };
}

describe('expiring backups', () => {
  it('by count keeps the newest chains', async () => {
    for (const [full, keep] of [
      [1, ['f15']],
      [2, ['f8', 'f15']],
      [3, ['f1', 'f8', 'f15']],
      [9, ['f1', 'f8', 'f15']],
    ] as const) {
      assert.deepEqual((await judge(month(), { full })).keep, keep);
    }
  });

  it('never counts an increment that names no parent, and never takes it either', async () => {
    const place = month().backup('stray', '2026-11-19T01:00:00Z', { sinceLsn: 5 });
    const judged = await judge(place, { full: 1 });
    assert.deepEqual([judged.keep, judged.broken.includes('stray')], [['f15'], true]);
    const { backups } = await place.read();
    const problem = backups.find(({ name }) => name === 'stray')?.problem;
    assert.equal(problem, 'it is an increment, and does not name the backup it was taken on');
  });

  it('by days keeps what leads back to the start of the window', async () => {
    for (const [days, keep] of [
      // From the 20th on: nothing is of then, so the newest before it.
      [1, ['f15']],
      // From the 14th on: no full backup before it is newer than that of the 8th.
      [7, ['f8', 'f15']],
      // From the 11th on: the increment of the 12th needs the 8th, which is before the window.
      [10, ['f8', 'f15']],
      // From the 6th on.
      [15, ['f1', 'f8', 'f15']],
      [400, ['f1', 'f8', 'f15']],
    ] as const) {
      assert.deepEqual((await judge(month(), { days })).keep, keep, `${days} days`);
    }
  });

  it('counts a backup by the moment at which it was finished', async () => {
    const place = new Place()
      .backup('a', '2026-11-01T00:00:00Z')
      .backup('b', '2026-11-10T00:00:00Z', { finishedAt: '2026-11-20T00:00:00.001Z' });
    assert.deepEqual((await judge(place, { days: 1 })).keep, ['a', 'b']);
    const later = new Date(now.getTime() + 2);
    assert.deepEqual((await judge(place, { days: 1 }, later)).keep, ['b']);
  });

  it('by both keeps what either keeps', async () => {
    assert.deepEqual((await judge(month(), { full: 1, days: 7 })).keep, ['f8', 'f15']);
    assert.deepEqual((await judge(month(), { full: 3, days: 1 })).keep, ['f1', 'f8', 'f15']);
  });

  it('never takes the last one that is ok, however old it is', async () => {
    const place = new Place()
      .backup('only', '2020-01-01T00:00:00Z')
      .backup('bad', '2026-11-20T00:00:00Z');
    await place.store.delete(['bad/archive.xbs']);
    for (const rules of [{ full: 1 }, { days: 1 }, { full: 1, days: 1 }]) {
      assert.deepEqual(await judge(place, rules), { keep: ['only'], broken: ['bad'], expire: [] });
    }
  });

  it('takes whole chains, and of them the youngest first, all manifests before any archive', async () => {
    const { deletion } = planExpiry(await month().read(), { full: 1 }, now);
    const names = ['f1+4', 'f1+2', 'f1', 'f8+4', 'f8+2', 'f8'];
    assert.deepEqual(
      deletion.backups.map(({ name }) => name),
      names,
    );
    assert.deepEqual(
      deletion.objects.map(({ key }) => key),
      ['manifest.json', 'archive.xbs'].flatMap((object) =>
        names.map((name) => `${name}/${object}`),
      ),
    );
  });

  it('neither counts nor takes a chain that is broken anywhere', async () => {
    for (const lost of ['f15/archive.xbs', 'f15+4/archive.xbs', 'f15+2/manifest.json']) {
      const place = month();
      await place.store.delete([lost]);
      const { keep, broken, expire } = await judge(place, { full: 1 });
      const full = lost === 'f15+2/manifest.json' ? 'f15' : 'f8';
      assert.deepEqual([keep, expire], [[full], full === 'f15' ? ['f1', 'f8'] : ['f1']], lost);
      assert.deepEqual(broken, [lost === 'f15+2/manifest.json' ? 'f15+4' : 'f15']);
    }
  });

  it('takes each directory for a series of its own, as of another server', async () => {
    const place = month()
      .backup('crm/a', '2026-10-01T00:00:00Z')
      .backup('crm/b', '2026-10-02T00:00:00Z');
    for (const rules of [{ full: 1 }, { days: 1 }]) {
      assert.deepEqual((await judge(place, rules)).keep, ['crm/b', 'f15']);
    }
  });

  it('counts copies of a backup once', async () => {
    const place = month().backup('copy', '2026-11-15T12:00:00Z', { backupId: 'f15' });
    assert.deepEqual((await judge(place, { full: 2 })).keep, ['f8', 'copy', 'f15']);
  });

  it('keeps what is dated in the future, and does not count it', async () => {
    const place = month().backup('odd', '2099-01-01T00:00:00Z');
    assert.deepEqual((await judge(place, { full: 1 })).keep, ['f15', 'odd']);
  });

  it('goes on past a damaged manifest, and not past one that may be of an increment', async () => {
    const place = month().file('cut/manifest.json', '{');
    assert.deepEqual((await judge(place, { full: 2 })).expire, ['f1']);
    place.file('new/manifest.json', '{"format": 2}');
    const failure = await failureOf(() => judge(place, { full: 2 }));
    assert.match(failure.message, /^whether new needs it is not known/u);
  });
});
