import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeBegin, decodeIndex } from '../../formats/archive-record/index.ts';
import { chainLayout } from '../../src/chain/chain-layout.ts';
import { layChain } from '../../src/chain/lay-chain.ts';
import type { StoredLink } from '../../src/chain/link.ts';
import { StagedDirectory } from '../../src/sink/staged-directory.ts';
import { type Encoding, plainEncoding } from '../../src/transform/encoding.ts';
import { failureOf } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { randomChain } from './random-chain.ts';
import { type MadeFile, type MadeLink, madeChain, page, pageSize, pagesOf } from './support.ts';

const key = new Uint8Array(32).fill(7);
const zstd = { algorithm: 'zstd', level: 1 } as const;
const encryption = { algorithm: 'AES256', key, chunkBytes: 512 };
const encodings: [string, Encoding][] = [
  ['as they are', plainEncoding],
  ['compressed', { compression: zstd, digests: false }],
  ['compressed with lz4', { compression: { algorithm: 'lz4', blockBytes: 65_536 }, digests: true }],
  ['encrypted', { compression: zstd, encryption, digests: true }],
];

interface Laid {
  /** Bytes of each file, but for the records. */
  files: Record<string, Buffer>;
  stage: string;
  /** Bytes of pages that are read of each link. */
  planned: number[];
}

/** What a chain of made-up backups becomes. */
async function laid(links: readonly MadeLink[]): Promise<Laid> {
  return await laidChain(await madeChain(links));
}

async function laidChain(chain: readonly StoredLink[]): Promise<Laid> {
  const layout = chainLayout(chain);
  const { plan, readings } = layout;
  const directory = await StagedDirectory.create(join(scratchDir('chain'), 'data'), {
    empty: true,
  });
  await layChain(layout, directory, { key });
  const { stage } = directory;
  const names = readdirSync(stage, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(stage, name)).isFile() && !name.startsWith('xbpipe_'))
    .sort();
  const files = names.map((name) => [name, readFileSync(join(stage, name))] as const);
  return {
    files: Object.fromEntries(files),
    stage,
    planned: readings.map(({ link, bytes }) =>
      link === chain.at(-1) ? plan.plain.reduce((rest, { size }) => rest - size, bytes) : bytes,
    ),
  };
}

function changed(
  path: string,
  spaceId: number,
  pages: number,
  numbers: Record<number, string>,
  isListed = true,
): MadeFile {
  const entries = Object.entries(numbers).map(([n, text]) => [Number(n), page(text)] as const);
  return {
    path,
    spaceId,
    delta: { fileSize: pages * pageSize, pages: new Map(entries), isListed },
  };
}

describe('laying a chain', () => {
  it('puts the newest copy of every page in its place', async () => {
    const { files } = await laid([
      { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('a0', 'a1', 'a2', 'a3') }] },
      { files: [changed('db/t.ibd', 5, 5, { 1: 'b1', 4: 'b4' })] },
      { files: [changed('db/t.ibd', 5, 6, { 1: 'c1', 5: 'c5' })] },
    ]);
    const wanted = pagesOf('a0', 'c1', 'a2', 'a3', 'b4', 'c5');
    assert.deepEqual(files, { 'db/t.ibd': Buffer.from(wanted) });
  });

  it('takes a file under the name that it has now', async () => {
    const { files } = await laid([
      {
        files: [
          { path: 'db/a.ibd', spaceId: 5, bytes: pagesOf('five') },
          { path: 'db/b.ibd', spaceId: 6, bytes: pagesOf('six') },
        ],
      },
      { files: [changed('db/b.ibd', 5, 1, {}), changed('db/a.ibd', 6, 1, {})] },
    ]);
    assert.deepEqual(files, {
      'db/a.ibd': Buffer.from(pagesOf('six')),
      'db/b.ibd': Buffer.from(pagesOf('five')),
    });
  });

  it('takes no page of a file that was dropped and made again', async () => {
    const { files } = await laid([
      { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('old', 'old', 'old') }] },
      { files: [changed('db/t.ibd', 9, 3, { 0: 'new' })] },
    ]);
    assert.deepEqual(files['db/t.ibd'], Buffer.concat([page('new'), new Uint8Array(2 * pageSize)]));
  });

  it('takes nothing from behind an end that a file had in between', async () => {
    const { files } = await laid([
      { files: [{ path: 'undo001', spaceId: 1, bytes: pagesOf('a0', 'a1', 'a2', 'a3') }] },
      { files: [changed('undo001', 1, 2, { 1: 'b1' })] },
      { files: [changed('undo001', 1, 4, { 3: 'c3' })] },
    ]);
    const wanted = [page('a0'), page('b1'), new Uint8Array(pageSize), page('c3')];
    assert.deepEqual(files['undo001'], Buffer.concat(wanted));
  });

  it('reads no chunk whose pages newer links replace', async () => {
    const whole = pagesOf('a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6');
    const { files, planned } = await laid([
      { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: whole }] },
      { files: [changed('db/t.ibd', 5, 7, { 0: 'b0', 3: 'b3', 4: 'b4', 6: 'b6' })] },
      { files: [changed('db/t.ibd', 5, 7, { 3: 'c3', 4: 'c4', 5: 'c5', 6: 'c6' })] },
    ]);
    const wanted = pagesOf('b0', 'a1', 'a2', 'c3', 'c4', 'c5', 'c6');
    assert.deepEqual(files['db/t.ibd'], Buffer.from(wanted));
    // Pages 0 to 2; header, 0 and 3; all of header, 3, 4 and 5, 6.
    assert.deepEqual(planned, [3 * pageSize, 3 * pageSize, 5 * pageSize]);
  });

  it('reads deltas whose pages the index does not list', async () => {
    const { files } = await laid([
      { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('a0', 'a1', 'a2') }] },
      { files: [changed('db/t.ibd', 5, 3, { 0: 'b0', 1: 'b1' }, false)] },
      { files: [changed('db/t.ibd', 5, 3, { 1: 'c1' })] },
    ]);
    assert.deepEqual(files['db/t.ibd'], Buffer.from(pagesOf('b0', 'c1', 'a2')));
  });

  it('leaves a full backup behind, with the records of one', async () => {
    const { stage, files } = await laid([
      { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('a0') }] },
      {
        files: [
          changed('db/t.ibd', 5, 2, { 1: 'b1' }),
          { path: 'db/t.ibd.meta', bytes: Buffer.from('page_size = 1024\n') },
          { path: 'db/young.ibd', bytes: new Uint8Array(pageSize) },
          { path: 'db/t.frm', bytes: Buffer.from('frm') },
          {
            path: 'xtrabackup_checkpoints',
            bytes: Buffer.from(
              'backup_type = incremental\nfrom_lsn = 5\nto_lsn = 7\nlast_lsn = 9\n',
            ),
          },
        ],
      },
    ]);
    assert.deepEqual(Object.keys(files), [
      'db/t.frm',
      'db/t.ibd',
      'db/young.ibd',
      'xtrabackup_checkpoints',
    ]);
    assert.match(
      String(files['xtrabackup_checkpoints']),
      /^backup_type = full-backuped\nfrom_lsn = 0\n/,
    );
    const begin = decodeBegin(readFileSync(join(stage, 'xbpipe_begin.json')));
    assert.deepEqual(
      [begin.backupId, begin.parentId, begin.sinceLsn],
      ['id-1', undefined, undefined],
    );
    const { members } = decodeIndex(readFileSync(join(stage, 'xbpipe_index.json')));
    assert.deepEqual(
      members.map(({ path, size, spaceId }) => [path, size, spaceId]),
      [
        ['db/t.ibd', 2 * pageSize, 5],
        ['db/young.ibd', pageSize, undefined],
        ['db/t.frm', 3, undefined],
      ],
    );
  });

  for (const [name, encoding] of encodings) {
    it(`equals a model, whatever came of the files, with members ${name}`, async () => {
      for (let seed = 1; seed <= 4; seed += 1) {
        const { links, wanted } = randomChain(seed, encoding);
        assert.deepEqual((await laid(links)).files, wanted, `seed ${seed}`);
      }
    });
  }

  it('refuses a member that was altered', async () => {
    const chain = await madeChain([
      { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('a0', 'a1') }] },
      { files: [changed('db/t.ibd', 5, 2, { 1: 'b1' })] },
    ]);
    const entry = chain[1]?.members.find(({ delta }) => delta);
    assert.ok(entry?.delta);
    // Page 0 instead of page 1 would be laid where the delta has it not.
    entry.delta.pages = '0+5';
    const error = await failureOf(() => chainLayout(chain));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /7 pages are not in 1 chunks of 3/);
  });

  for (const chunkPages of [1, 2, 100]) {
    it(`refuses a delta that has not the pages of the index, in chunks of ${chunkPages}`, async () => {
      const chain = await madeChain([
        { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('a0', 'a1', 'a2', 'a3') }] },
        { files: [changed('db/t.ibd', 5, 4, { 1: 'b1', 3: 'b3' })], chunkPages },
        { files: [changed('db/t.ibd', 5, 4, { 1: 'c1' })], chunkPages },
      ]);
      const entry = chain[1]?.members.find(({ delta }) => delta);
      assert.ok(entry?.delta);
      // Pages 1 and 2: as many, and one that the delta has not.
      entry.delta.pages = '1+1';
      const error = await failureOf(() => laidChain(chain));
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, /db\/t.ibd.delta: it has other pages than the index says/u);
    });
  }

  it('refuses a list of no pages for a delta that has some', async () => {
    const chain = await madeChain([
      { files: [{ path: 'db/t.ibd', spaceId: 5, bytes: pagesOf('a0', 'a1') }] },
      { files: [changed('db/t.ibd', 5, 2, { 1: 'b1' })] },
    ]);
    const entry = chain[1]?.members.find(({ delta }) => delta);
    assert.ok(entry?.delta);
    entry.delta.pages = '';
    const error = await failureOf(() => laidChain(chain));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /1 pages are not in 1 chunks of 3, 2048 bytes/u);
  });
});
