import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MemberEntry } from '../../formats/archive-record/index.ts';
import { planChain } from '../../src/chain/plan-chain.ts';
import { failureOf } from '../archive/support.ts';
import { beginOf } from './support.ts';

const physical = 1024;

/** A member that is no tablespace, or one whose page 0 is all zero. */
const other = (path: string): MemberEntry => ({ path, size: 3, chunks: [] });

const whole = (path: string, spaceId: number, pageSize = physical): MemberEntry => ({
  path,
  spaceId,
  pageSize,
  size: physical,
  chunks: [],
});

const delta = (path: string, spaceId: number, pages: string | undefined = ''): MemberEntry => ({
  ...whole(`${path}.delta`, spaceId),
  delta: { fileSize: 4 * physical, chunkPages: 16, pages },
});

interface Told {
  /** What each file is made of: members by their paths, the newest link's first. */
  files: Record<string, string[]>;
  plain: string[];
}

/** The plan of a chain, by paths; the members of each link, the oldest first. */
function planOf(...links: MemberEntry[][]): Told {
  const { files, layers, plain } = planChain(
    links.map((members, i) => ({ name: `link ${i}`, begin: beginOf(i), members })),
  );
  const told = files.map((file) => {
    const found = layers.map((ofLink) => ofLink.find((layer) => layer.file === file));
    return [file.path, found.toReversed().flatMap((one) => one?.entry.path ?? [])] as const;
  });
  return { files: Object.fromEntries(told), plain: plain.map(({ path }) => path) };
}

describe('the plan of a chain', () => {
  it('takes a file from every link down to the full backup', () => {
    const told = planOf(
      [whole('db/t.ibd', 5), other('db/t.frm')],
      [delta('db/t.ibd', 5), other('db/t.ibd.meta'), other('db/t.frm')],
      [delta('db/t.ibd', 5), other('db/t.ibd.meta'), other('db/t.frm')],
    );
    assert.deepEqual(told, {
      files: { 'db/t.ibd': ['db/t.ibd.delta', 'db/t.ibd.delta', 'db/t.ibd'] },
      plain: ['db/t.frm'],
    });
  });

  it('knows a file by its space id, whatever its name and its suffixes', () => {
    const { files } = planOf(
      [whole('db/a.ibd.zst.xbcrypt', 5), whole('db/b.ibd', 6)],
      [delta('db/b.ibd', 5), delta('db/c.ibd', 6)],
      [delta('db/c.ibd', 5), delta('db/a.ibd', 6)],
    );
    assert.deepEqual(files, {
      'db/c.ibd': ['db/c.ibd.delta', 'db/b.ibd.delta', 'db/a.ibd.zst.xbcrypt'],
      'db/a.ibd': ['db/a.ibd.delta', 'db/c.ibd.delta', 'db/b.ibd'],
    });
  });

  it('takes nothing of a file that has another space id under the same name', () => {
    const { files } = planOf([whole('undo_001', 5)], [delta('undo_001', 77, '0')]);
    assert.deepEqual(files, { undo_001: ['undo_001.delta'] });
  });

  it('takes nothing from below a link that has not the space', () => {
    const { files } = planOf([whole('db/t.ibd', 5)], [], [delta('db/t.ibd', 5, '0+2')]);
    assert.deepEqual(files, { 'db/t.ibd': ['db/t.ibd.delta'] });
  });

  it('leaves out what the newest link has not, or says to be gone', () => {
    const told = planOf(
      [whole('db/gone.ibd', 5), whole('db/dropped.ibd', 6)],
      [delta('db/dropped.ibd', 6), other('db/dropped.ibd.meta'), other('db/dropped.del')],
    );
    assert.deepEqual(told, { files: {}, plain: ['db/dropped.del'] });
  });

  it('knows what is gone when the word of it is compressed or encrypted', () => {
    for (const suffix of ['.zst', '.lz4.xbcrypt', '.xbcrypt']) {
      const gone = other(`db/a.del${suffix}`);
      const twice = [delta('db/a.ibd', 5), gone, delta('db/b.ibd', 5)];
      const full = [whole('db/a.ibd', 5), gone, whole('db/b.ibd', 5)];
      const made = ['db/b.ibd.delta', 'db/b.ibd'];
      assert.deepEqual(planOf(full, twice), { files: { 'db/b.ibd': made }, plain: [gone.path] });
    }
  });

  it('tells the files of the system tablespace apart by their names', () => {
    const { files } = planOf(
      [whole('ibdata1', 0), whole('ibdata2', 0)],
      [delta('ibdata1', 0), delta('ibdata2', 0), delta('ibdata3', 0)],
    );
    assert.deepEqual(files, {
      ibdata1: ['ibdata1.delta', 'ibdata1'],
      ibdata2: ['ibdata2.delta', 'ibdata2'],
      ibdata3: ['ibdata3.delta'],
    });
  });

  it('takes nothing of a file whose page 0 was all zero, least of all for space 0', () => {
    const told = planOf(
      [other('db/t.ibd'), whole('ibdata1', 0)],
      [delta('ibdata1', 0), delta('db/t.ibd', 5, '0'), other('db/young.ibd')],
    );
    assert.deepEqual(told, {
      files: { ibdata1: ['ibdata1.delta', 'ibdata1'], 'db/t.ibd': ['db/t.ibd.delta'] },
      plain: ['db/young.ibd'],
    });
  });

  it('takes the copy that counted of a file that a link has twice', () => {
    const renamed = [whole('db/a.ibd', 5), other('db/a.del'), whole('db/b.ibd', 5)];
    assert.deepEqual(planOf(renamed, [delta('db/b.ibd', 5)]).files, {
      'db/b.ibd': ['db/b.ibd.delta', 'db/b.ibd'],
    });
    const renewed = [whole('db/t.ibd', 5), whole('db/t.new', 5)];
    assert.deepEqual(planOf(renewed, [delta('db/t.ibd', 5)]).files, {
      'db/t.ibd': ['db/t.ibd.delta', 'db/t.new'],
    });
    const increment = [delta('db/a.ibd', 5), other('db/a.del'), delta('db/b.ibd', 5)];
    const { files } = planOf([whole('db/a.ibd', 5)], increment, [delta('db/b.ibd', 5)]);
    assert.deepEqual(files, { 'db/b.ibd': ['db/b.ibd.delta', 'db/b.ibd.delta', 'db/a.ibd'] });
  });

  it('stops at a table that a link has made anew', () => {
    const { files } = planOf(
      [whole('db/t.ibd', 5)],
      [delta('db/t.ibd', 5), other('db/t.del'), whole('db/t.new', 9)],
      [delta('db/t.ibd', 9)],
    );
    assert.deepEqual(files, { 'db/t.ibd': ['db/t.ibd.delta', 'db/t.new'] });
  });

  it('takes tables that were made while the newest link was taken as they are', () => {
    const told = planOf(
      [whole('db/t.ibd', 5)],
      [delta('db/t.ibd', 5), other('db/t.ren'), whole('db/u.new', 9), other('db/u.ibd')],
    );
    assert.deepEqual(told, {
      files: { 'db/t.ibd': ['db/t.ibd.delta', 'db/t.ibd'] },
      plain: ['db/t.ren', 'db/u.new', 'db/u.ibd'],
    });
  });

  it('knows whether each page is written once', () => {
    const links = (pages: string | undefined) => [
      { name: 'full', begin: beginOf(0), members: [whole('db/t.ibd', 5)] },
      {
        name: 'increment',
        begin: beginOf(1),
        members: [{ ...delta('db/t.ibd', 5), ...told(pages) }],
      },
    ];
    const told = (pages: string | undefined) => ({
      delta: { fileSize: physical, chunkPages: 16, pages },
    });
    assert.equal(planChain(links('0')).files[0]?.writtenOnce, true);
    assert.equal(planChain(links(undefined)).files[0]?.writtenOnce, false);
  });

  for (const [what, links, message] of [
    ['a file and its delta', [[], [other('db/a.ibd'), delta('db/a.ibd', 5)]], /is listed twice/],
    [
      'a delta of no space',
      [[], [{ ...delta('db/a.ibd', 5), spaceId: undefined }]],
      /without a space id or a page size/,
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const error = await failureOf(() => planOf(...links.map((members) => [...members])));
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, message);
    });
  }

  it('lays nothing over a table of which a link has a stray copy, and takes it where it is whole', async () => {
    const stray = [whole('db/a.ibd', 5), whole('db/b.ibd', 5)];
    const later = [whole('db/a.ibd', 5), whole('db/b.new', 5)];
    for (const [older, newest] of [
      [stray, [delta('db/b.ibd', 5, '1')]],
      [later, [delta('db/a.ibd', 5, '1')]],
      [[whole('db/a.ibd', 5)], [delta('db/a.ibd', 5, '1'), delta('db/b.ibd', 5, '0')]],
      [[], [delta('db/a.ibd', 5, '2')]],
    ]) {
      const error = await failureOf(() => planOf(older ?? [], newest ?? []));
      assert.equal(error.code, 'chain');
      assert.match(
        error.message,
        /changed pages of a file that no older link has, or that one has twice/,
      );
    }
    assert.deepEqual(planOf(stray, [delta('db/b.ibd', 5, '0+3')]).files, {
      'db/b.ibd': ['db/b.ibd.delta'],
    });
    const both = [delta('db/a.ibd', 5, '0+3'), delta('db/b.ibd', 5, '0')];
    assert.deepEqual(planOf([whole('db/a.ibd', 5)], both).files, {
      'db/a.ibd': ['db/a.ibd.delta'],
      'db/b.ibd': ['db/b.ibd.delta'],
    });
  });

  it('refuses pages of another size', async () => {
    const error = await failureOf(() =>
      planOf([whole('db/t.ibd', 5, 2048)], [delta('db/t.ibd', 5)]),
    );
    assert.equal(error.code, 'chain');
    assert.match(error.message, /pages of 2048 bytes, later 1024/);
  });
});
