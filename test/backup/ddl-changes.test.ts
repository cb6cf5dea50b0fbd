import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ddlChanges, type SpaceFile } from '../../src/backup/mariadb/ddl-changes.ts';

/** `a:5@70` is the file a with space id 5 and inode 70; `a:?@70` has a page 0 of zeros. */
const files = (text: string): SpaceFile[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const [, member = '', space, inode, device = '1'] =
        /^(\w+):(\d+|\?)@(\d+)(?:\/(\d+))?$/.exec(word) ?? [];
      const spaceId = space === '?' ? undefined : Number(space);
      return { member, inode: Number(inode), device: Number(device), bornMs: 1, spaceId };
    });

const changes = (before: string, now: string): string => {
  const { removed, renamed, created } = ddlChanges(files(before), files(now));
  return [
    ...removed.map((member) => `-${member}`),
    ...renamed.map(({ from, to }) => `${from}>${to}`),
    ...created.map(({ member }) => `+${member}`),
  ].join(' ');
};

describe('what DDL did between two scans', () => {
  for (const [name, before, now, expected] of [
    ['is nothing when nothing changed', 'a:5@70 b:6@71', 'b:6@71 a:5@70', ''],
    ['is a new table', 'a:5@70', 'a:5@70 b:6@71', '+b'],
    ['is a dropped table', 'a:5@70 b:6@71', 'b:6@71', '-a'],
    ['is a renamed table', 'a:5@70', 'b:5@70', 'a>b'],
    ['is two tables that swapped names', 'a:5@70 b:6@71', 'a:6@71 b:5@70', 'a>b b>a'],
    ['is a ring of three names', 'a:1@71 b:2@72 c:3@73', 'b:1@71 c:2@72 a:3@73', 'a>b b>c c>a'],
    ['is a table dropped and made again under its name', 'a:5@70', 'a:9@75', '-a +a'],
    ['is the same when the new file got the inode of the old', 'a:5@70', 'a:9@70', '-a +a'],
    ['is the same when another table got the inode', 'a:5@70', 'b:9@70', '-a +b'],
    [
      'is a table renamed, and another made under its old name',
      'a:5@70',
      'b:5@70 a:9@75',
      'a>b +a',
    ],
    ['is a table renamed to the name of a dropped one', 'a:5@70 b:6@71', 'b:5@70', '-b a>b'],
    ['is a rebuilt table: its tablespace came in from elsewhere', 'a:5@70', 'a:5@99', '-a +a'],
    ['is the same with one inode on two devices', 'a:5@70/1', 'a:5@70/2', '-a +a'],
    ['is everything', '', 'a:5@70 b:?@71', '+a +b'],
    ['is all gone', 'a:5@70 b:?@71', '', '-a -b'],
  ] as const) {
    it(name, () => {
      // What is removed, renamed and created comes in groups, in the order of the scans.
      const sorted = expected.split(' ').sort();
      assert.deepEqual(changes(before, now).split(' ').sort(), sorted);
    });
  }
});

describe('a table whose space id was not known when it was copied', () => {
  for (const [name, before, now, expected] of [
    ['is copied again, in the place of the first copy', 'a:?@70', 'a:5@70', '+a'],
    ['is copied again while its page 0 is still all zero', 'a:?@70', 'a:?@70', '+a'],
    ['is removed when its name is gone', 'a:?@70', '', '-a'],
    ['is never matched by its inode alone', 'a:?@70', 'b:5@70', '-a +b'],
    ['gives way to a table made under its name', 'a:?@70', 'b:5@70 a:6@71', '+b +a'],
    ['does not match another unknown one', 'a:?@70', 'b:?@70', '-a +b'],
    ['is removed when a known one takes its name', 'a:?@70 b:6@71', 'c:5@70 a:6@71', '-a b>a +c'],
  ] as const) {
    it(name, () => {
      assert.equal(changes(before, now), expected);
    });
  }
});

describe('files with one space id', () => {
  it('are told apart by their inodes: a stray copy does not hide the table', () => {
    assert.equal(changes('a:5@70', 'stray:5@80 a:5@70'), '+stray');
    assert.equal(changes('a:5@70 stray:5@80', 'stray:5@80 a:5@70'), '');
    assert.equal(changes('a:5@70 stray:5@80', 'b:5@70 stray:5@80'), 'a>b');
  });

  it('are not one when an inode was used again: its file was born later', () => {
    const file = { member: 'a', inode: 70, device: 1, bornMs: 5, spaceId: 5 };
    const imported = { ...file, bornMs: 6 };
    const { removed, renamed, created } = ddlChanges([file], [imported]);
    assert.deepEqual([removed.length + renamed.length, created], [1, [imported]]);
    assert.deepEqual(ddlChanges([file], [file]).created, []);
  });

  it('and with one inode are one table: the old name comes first', () => {
    assert.equal(changes('a:5@70', 'link:5@70 a:5@70'), '+link');
  });

  it('are one table that was copied under two names: only one copy stays', () => {
    // It was renamed between the two copies; redo brings either of them up to date.
    assert.equal(changes('a:5@70 b:5@70', 'b:5@70'), '-a');
    assert.equal(changes('a:5@70 b:5@70', 'a:5@70'), '-b');
    assert.equal(changes('a:5@70 b:5@70', 'c:5@70'), '-b a>c');
    assert.equal(changes('a:5@70 b:5@70', 'b:5@70 a:6@71'), '-a +a');
    assert.equal(changes('a:5@70 b:5@70 c:6@71', 'b:5@70 a:6@71'), '-a c>a');
    assert.equal(changes('a:5@70 b:5@70', ''), '-a -b');
  });
});
