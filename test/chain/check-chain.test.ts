import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BeginRecord } from '../../formats/archive-record/index.ts';
import { type LinkFacts, checkChain } from '../../src/chain/check-chain.ts';
import { failureOf } from '../archive/support.ts';
import { beginOf } from './support.ts';

interface Change extends Partial<BeginRecord> {
  lastLsn?: number;
}

/** A full backup and two increments, each with what is other than it should be. */
function chainOf(...changes: Change[]): LinkFacts[] {
  return [0, 1, 2].map((ordinal) => {
    const { lastLsn = 46_500 + ordinal * 1000, ...begin } = changes[ordinal] ?? {};
    return { name: `link ${ordinal}`, begin: beginOf(ordinal, begin), lastLsn };
  });
}

const faults: [string, LinkFacts[], RegExp][] = [
  ['an increment that comes first', chainOf().slice(1), /link 1 is an increment: a chain begins/],
  ['a link that is missing', chainOf().toSpliced(1, 1), /link 2 is an increment on id-1; link 0/],
  ['links that are swapped', [0, 2, 1].map((i) => chainOf()[i] as LinkFacts), /link 2 is an inc/],
  ['a link that comes twice', [...chainOf(), chainOf()[2] as LinkFacts], /same backup as link 2/],
  [
    'a full backup in between',
    chainOf({}, { parentId: undefined, sinceLsn: undefined }),
    /link 1 is a full backup: it cannot follow link 0/,
  ],
  [
    'an increment that says not since when',
    chainOf({}, { sinceLsn: undefined }),
    /link 1 is a full backup/,
  ],
  ['another parent', chainOf({}, { parentId: 'other' }), /link 1 is an increment on other; link 0/],
  [
    'an increment that was taken from to_lsn',
    chainOf({}, { sinceLsn: 46_001 }),
    /changed from LSN 46000 to 46001 are missing/,
  ],
  ['another flavour', chainOf({}, { flavour: 'mysql' }), /link 1 is of a server of mysql, link 0/],
  ['another page size', chainOf({}, {}, { pageSize: 4096 }), /link 2 is of pages of 4096/],
  [
    'another server',
    chainOf({ serverId: 'one' }, { serverId: 'one' }, { serverId: 'two' }),
    /link 2 is of the server two, link 1 of the server one/,
  ],
  [
    "redo that starts before the parent's",
    chainOf({}, { redoStart: 45_999 }),
    /link 1 is not newer than link 0: its redo starts at LSN 45999, not 46000/,
  ],
  [
    "redo that ends before the parent's",
    chainOf({}, {}, { lastLsn: 47_499 }),
    /link 2 is not newer than link 1: its redo ends at LSN 47499, not 47500/,
  ],
];

describe('a chain', () => {
  it('is a full backup and increments that each follow the one before', () => {
    checkChain(chainOf());
    checkChain(chainOf().slice(0, 1));
  });

  it('may have an increment on a parent that has no id', () => {
    checkChain(chainOf({}, { parentId: undefined }));
  });

  it('may have an increment that holds more than it has to', () => {
    checkChain(chainOf({}, { sinceLsn: 100 }));
  });

  for (const [what, links, message] of faults) {
    it(`is refused with ${what}`, async () => {
      const error = await failureOf(() => {
        checkChain(links);
      });
      assert.equal(error.code, 'chain');
      assert.match(error.message, message);
    });
  }
});
