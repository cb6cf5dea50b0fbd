import assert from 'node:assert/strict';
import {
  cpSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeBegin, decodeIndex } from '../../formats/archive-record/index.ts';
import { layIncrements } from '../../src/chain/directory/prepare-chain.ts';
import { readBackupDirectory } from '../../src/restore/backup-directory.ts';
import { refusePrepared } from '../../src/restore/refuse-prepared.ts';
import { plainEncoding } from '../../src/transform/encoding.ts';
import { failureOf } from '../archive/support.ts';
import { copyOf, tryPrepare } from '../restore/prepare-support.ts';
import { madeDirectories } from './directories.ts';
import { randomChain } from './random-chain.ts';
import { type MadeFile, type MadeLink, page, page0, pageSize } from './support.ts';

const reporter = { info: () => undefined, warn: () => undefined, progress: () => undefined };
const never = new AbortController().signal;

async function lay(
  directory: string,
  increments: readonly string[],
  signal = never,
): Promise<void> {
  await layIncrements(directory, increments, reporter, signal);
}

/** Every file below a directory, but for records, metadata and redo. */
function treeOf(directory: string): Record<string, Buffer> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .filter((name) => !/^(xbpipe_|xtrabackup_|backup-my|ib_logfile0)/.test(name))
    .sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name))]));
}

/** As if another tool had made it: with a system tablespace, and without records of ours. */
function forgetRecords(directory: string): void {
  writeFileSync(join(directory, 'ibdata1'), 'system');
  for (const name of ['xbpipe_begin.json', 'xbpipe_index.json']) rmSync(join(directory, name));
}

/** Stops at the step that is asked for the so-manieth time whether it may go on. */
function stopAt(step: number): AbortSignal {
  let steps = 0;
  const throwIfAborted = (): void => {
    steps += 1;
    if (steps === step) throw new Error('stopped here');
  };
  return { throwIfAborted } as unknown as AbortSignal;
}

const table = (path: string, spaceId: number, ...texts: string[]): MadeFile => {
  const [first = '', ...more] = texts;
  return { path, spaceId, bytes: Buffer.concat([page0(spaceId, first), ...more.map(page)]) };
};

const changed = (
  path: string,
  spaceId: number,
  pages: number,
  numbers: Record<number, string>,
): MadeFile => {
  const entries = Object.entries(numbers).map(
    ([n, text]) => [Number(n), n === '0' ? page0(spaceId, text) : page(text)] as const,
  );
  return { path, spaceId, delta: { fileSize: pages * pageSize, pages: new Map(entries) } };
};

const text = (path: string, content: string): MadeFile => ({ path, bytes: Buffer.from(content) });

const small: MadeLink[] = [
  {
    files: [
      table('db/t.ibd', 5, 'a0', 'a1'),
      table('old/gone.ibd', 6, 'gone'),
      text('old/gone.frm', 'frm'),
      text('db/t.frm', 'frm 0'),
    ],
  },
  { files: [changed('db/u.ibd', 5, 3, { 2: 'b2' }), text('db/u.frm', 'frm 1')] },
  { files: [changed('db/u.ibd', 5, 2, { 1: 'c1' }), text('db/u.frm', 'frm 2')] },
];

describe('laying increments over a directory', () => {
  it('gives the newest pages, names and files, and leaves the increments as they are', async () => {
    const [full = '', ...increments] = madeDirectories(small);
    const before = increments.map(treeOf);
    await lay(full, increments);
    assert.deepEqual(treeOf(full), {
      'db/u.frm': Buffer.from('frm 2'),
      'db/u.ibd': Buffer.concat([page0(5, 'a0'), page('c1')]),
    });
    assert.ok(!existsSync(join(full, 'old')));
    assert.deepEqual(increments.map(treeOf), before);
  });

  it('leaves a full backup with its records behind', async () => {
    const [full = '', ...increments] = madeDirectories(small);
    await lay(full, increments);
    const begin = decodeBegin(readFileSync(join(full, 'xbpipe_begin.json')));
    assert.deepEqual(
      [begin.backupId, begin.parentId, begin.sinceLsn],
      ['id-2', undefined, undefined],
    );
    const checkpoints = readFileSync(join(full, 'xtrabackup_checkpoints'), 'utf8');
    assert.match(checkpoints, /^backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 48100\n/);
    const { members } = decodeIndex(readFileSync(join(full, 'xbpipe_index.json')));
    assert.deepEqual(
      members.map(({ path, size }) => [path, size]),
      [
        ['db/u.ibd', 2 * pageSize],
        ['backup-my.cnf', 32],
        ['db/u.frm', 5],
        ['ib_logfile0', 12_488],
      ],
    );
  });

  it('lays one after the other, each by a run of its own', async () => {
    const [full = '', first = '', second = ''] = madeDirectories(small);
    await lay(full, [first]);
    await lay(full, [first, second]);
    const wanted = madeDirectories(small);
    await lay(wanted[0] ?? '', wanted.slice(1));
    assert.deepEqual(treeOf(full), treeOf(wanted[0] ?? ''));
    // All of it once more changes nothing.
    await lay(full, [first, second]);
    assert.deepEqual(treeOf(full), treeOf(wanted[0] ?? ''));
  });

  it('resolves what DDL left behind before the next increment', async () => {
    const [full = '', ...increments] = madeDirectories([
      {
        files: [
          table('db/a.ibd', 5, 'a'),
          table('db/b.ibd', 6, 'b'),
          table('db/c.ibd', 7, 'c'),
          text('db/a.ren', 'db/b.ibd'),
          text('db/b.ren', 'db/a.ibd'),
          text('db/c.del', ''),
          table('db/c.new', 8, 'new'),
        ],
      },
      {
        files: [
          changed('db/b.ibd', 5, 1, {}),
          changed('db/a.ibd', 6, 1, {}),
          changed('db/c.ibd', 8, 2, { 1: 'd' }),
        ],
      },
    ]);
    await lay(full, increments);
    assert.deepEqual(treeOf(full), {
      'db/a.ibd': Buffer.from(page0(6, 'b')),
      'db/b.ibd': Buffer.from(page0(5, 'a')),
      'db/c.ibd': Buffer.concat([page0(8, 'new'), page('d')]),
    });
  });

  it('never takes a file without page 0 for a base', async () => {
    const [full = '', ...increments] = madeDirectories([
      {
        files: [
          text('ibdata1', 'system'),
          { path: 'db/t.ibd', bytes: new Uint8Array(4 * pageSize) },
        ],
      },
      { files: [changed('ibdata1', 0, 1, {}), changed('db/t.ibd', 5, 2, { 0: 'new' })] },
    ]);
    await lay(full, increments);
    assert.deepEqual(treeOf(full), {
      'db/t.ibd': Buffer.concat([page0(5, 'new'), new Uint8Array(pageSize)]),
      ibdata1: Buffer.concat([Buffer.from('system'), new Uint8Array(pageSize - 6)]),
    });
  });

  it('equals a model, whatever came of the files, also when it is interrupted', async () => {
    for (let seed = 1; seed <= 2; seed += 1) {
      const { links, wanted } = randomChain(seed, plainEncoding);
      const [full = '', ...increments] = madeDirectories(links);
      for (let step = 1; ; step += 11) {
        const copy = copyOf(full);
        const stopped = await lay(copy, increments, stopAt(step)).then(
          () => false,
          () => true,
        );
        if (stopped) await lay(copy, increments);
        assert.deepEqual(treeOf(copy), wanted, `seed ${seed}, step ${step}`);
        rmSync(copy, { recursive: true });
        if (!stopped) break;
      }
    }
  });

  it('goes on to the recovery that an earlier run with the same increments began', async () => {
    const [full = '', ...increments] = madeDirectories(small);
    await lay(full, increments);
    writeFileSync(join(full, 'xbpipe_prepare_state'), '');
    const before = treeOf(full);
    await lay(full, increments);
    assert.deepEqual(treeOf(full), before);
    assert.throws(
      () => {
        refusePrepared(readBackupDirectory(full));
      },
      { code: 'chain' },
    );
    // One that was not laid is too late.
    const [, , , later = ''] = madeDirectories([...small, { files: small[2]?.files ?? [] }]);
    const error = await failureOf(() => lay(full, [...increments, later]));
    assert.equal(error.code, 'chain');
    assert.match(error.message, /was prepared/);
    assert.deepEqual(treeOf(full), before);
  });

  it('is no backup while an increment is half laid', async () => {
    const [full = '', ...increments] = madeDirectories(small);
    for (let step = 1; !existsSync(join(full, 'xbpipe_overlay_state')); step += 1) {
      await assert.rejects(lay(full, increments, stopAt(step)));
    }
    // Nor to any other tool.
    assert.match(
      readFileSync(join(full, 'xtrabackup_checkpoints'), 'utf8'),
      /backup_type = half-laid-by-xbpipe\n/,
    );
    const { failure } = await tryPrepare(full);
    assert.equal(failure?.code, 'chain');
    assert.match(failure.message, /id-1, is laid over it half-way/);
    const error = await failureOf(() => lay(full, increments.slice(1)));
    assert.equal(error.code, 'chain');
    assert.match(error.message, /half-way to another increment, id-1/);
  });
});

describe('increments that do not fit a directory', () => {
  const refused: [string, RegExp, (links: string[]) => [string, string[]]][] = [
    ['a missing one', /is an increment on id-1/, ([full = '', , second = '']) => [full, [second]]],
    [
      'swapped ones',
      /is an increment on id-1/,
      ([full = '', first = '', second = '']) => [full, [second, first]],
    ],
    [
      'an increment as the base',
      /a chain begins/,
      ([, first = '', second = '']) => [first, [second]],
    ],
    ['a full backup as an increment', /is the same backup as/, ([full = '']) => [full, [full]]],
  ];
  for (const [what, message, choose] of refused) {
    it(`are refused, with ${what}, before anything is changed`, async () => {
      const links = madeDirectories(small);
      const [base, increments] = choose(links);
      const before = treeOf(base);
      const error = await failureOf(() => lay(base, increments));
      assert.equal(error.code, 'chain');
      assert.match(error.message, message);
      assert.deepEqual(treeOf(base), before);
    });
  }

  it('are refused by a directory that was prepared', async () => {
    const [full = '', ...increments] = madeDirectories(small);
    const file = join(full, 'xtrabackup_checkpoints');
    writeFileSync(file, readFileSync(file, 'utf8').replace('full-backuped', 'log-applied'));
    const error = await failureOf(() => lay(full, increments));
    assert.equal(error.code, 'chain');
    assert.match(error.message, /was prepared/);
    assert.match(error.hint ?? '', /--apply-log-only/);
  });

  it('are refused when a file of them is missing or cut', async () => {
    const [full = '', first = ''] = madeDirectories(small);
    const before = treeOf(full);
    writeFileSync(join(first, 'db/u.ibd.delta'), page('cut'));
    assert.match(
      (await failureOf(() => lay(full, [first]))).message,
      /has 1024 bytes, the backup has/,
    );
    rmSync(join(first, 'db/u.ibd.delta'));
    assert.match(
      (await failureOf(() => lay(full, [first]))).message,
      /u.ibd.delta is missing: its db\/u.ibd.meta is there/,
    );
    assert.deepEqual(treeOf(full), before);
  });

  it('are refused when a delta or the newest redo is damaged', async () => {
    const ends: [link: number, name: string, harm: (bytes: Buffer) => Buffer, message: RegExp][] = [
      [1, 'db/u.ibd.delta', (bytes) => bytes.subarray(0, -1), /u\.ibd\.delta: .*the file ends/u],
      [1, 'db/u.ibd.delta', (bytes) => Buffer.concat([bytes, bytes]), /u\.ibd\.delta: /u],
      [2, 'ib_logfile0', (bytes) => bytes.fill(1, 12_300, 12_320), /ib_logfile0/u],
    ];
    for (const [link, name, harm, message] of ends) {
      const links = madeDirectories(small);
      for (const directory of links) forgetRecords(directory);
      const [full = '', ...increments] = links;
      const before = treeOf(full);
      const file = join(links[link] ?? '', name);
      writeFileSync(file, harm(readFileSync(file)));
      const error = await failureOf(() => lay(full, increments));
      assert.equal(error.code, 'corrupt', error.message);
      assert.match(error.message, message);
      assert.deepEqual(treeOf(full), before);
    }
  });

  it('are refused where two files have one space id, here or there', async () => {
    const twice: MadeLink[] = [
      { files: [table('db/t.ibd', 5, 'a0'), table('db/t_old.ibd', 5, 'x0')] },
      { files: [changed('db/t.ibd', 5, 2, { 1: 'b1' })] },
    ];
    const both: MadeLink[] = [
      { files: [table('db/t.ibd', 5, 'a0')] },
      { files: [changed('db/t.ibd', 5, 2, { 1: 'b1' }), changed('db/u.ibd', 5, 2, { 0: 'c0' })] },
    ];
    for (const links of [twice, both]) {
      const [full = '', ...increments] = madeDirectories(links);
      const before = treeOf(full);
      const error = await failureOf(() => lay(full, increments));
      assert.equal(error.code, 'chain');
      assert.match(error.message, /t\.ibd\S* and db\/\S+ have one space id, 5/u);
      assert.deepEqual(treeOf(full), before);
    }
    // One of them was dropped or made anew while the backup was taken.
    const dropped: MadeLink = { files: [...(twice[0]?.files ?? []), text('db/t_old.del', '')] };
    const [full = '', ...increments] = madeDirectories([dropped, twice[1] as MadeLink]);
    await lay(full, increments);
    assert.deepEqual(Object.keys(treeOf(full)), ['db/t.ibd']);
  });

  it('are not laid over a table that the directory does not have', async () => {
    const links = madeDirectories(small);
    for (const directory of links) forgetRecords(directory);
    const [full = '', ...increments] = links;
    rmSync(join(full, 'db/t.ibd'));
    for (let time = 0; time < 2; time += 1) {
      const error = await failureOf(() => lay(full, increments));
      assert.equal(error.code, 'chain');
      assert.match(error.message, /u\.ibd is missing: .* the increment has changed pages only/u);
    }
  });

  it('are refused when a file of them, or of the directory, is still encoded', async () => {
    const encoded: [number, string][] = [
      [1, 'db/u.ibd.delta'],
      [1, 'db/u.frm'],
      [0, 'db/t.ibd'],
    ];
    for (const [link, name] of encoded) {
      const links = madeDirectories(small);
      const file = join(links[link] ?? '', name);
      renameSync(file, `${file}.zst.xbcrypt`);
      const before = treeOf(links[0] ?? '');
      const error = await failureOf(() => lay(links[0] ?? '', links.slice(1)));
      assert.equal(error.code, 'incomplete');
      assert.match(error.message, new RegExp(`${name}.zst.xbcrypt is still encoded`, 'u'));
      assert.match(error.hint ?? '', /decompress and decrypt/u);
      assert.deepEqual(treeOf(links[0] ?? ''), before);
    }
  });

  it('are refused before the first is laid when the last one is not whole', async () => {
    const [full = '', first = '', second = ''] = madeDirectories(small);
    rmSync(join(second, 'db/u.ibd.delta'));
    const before = treeOf(full);
    assert.equal((await failureOf(() => lay(full, [first, second]))).code, 'incomplete');
    assert.deepEqual(treeOf(full), before);
  });

  it('may have encoded files beside those that were made of them', async () => {
    const [full = '', ...increments] = madeDirectories(small);
    const file = join(increments[1] ?? '', 'db/u.ibd.delta');
    copyFileSync(file, `${file}.qp`);
    await lay(full, increments);
    assert.deepEqual(Object.keys(treeOf(full)), ['db/u.frm', 'db/u.ibd']);
  });

  it('is refused when the directories lie in each other, and nothing is changed', async () => {
    const [full = '', increment = ''] = madeDirectories(small);
    const inside = join(full, 'inc1');
    cpSync(increment, inside, { recursive: true });
    const before = treeOf(full);
    for (const [base, one] of [
      [full, inside],
      [inside, full],
    ] as const) {
      const error = await failureOf(() => lay(base, [one]));
      assert.equal(error.code, 'usage');
      assert.match(error.message, /lie in each other/);
    }
    assert.deepEqual(treeOf(full), before);
  });
});
