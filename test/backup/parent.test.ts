import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import {
  type BeginRecord,
  type MemberEntry,
  beginName,
  decodeManifest,
  encodeBegin,
  encodeIndex,
  encodeManifest,
  indexName,
  keyCheckOf,
} from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { encodeDeltaMeta } from '../../formats/metadata/index.ts';
import { CommittedArchive } from '../../src/archive/committed-archive.ts';
import { knownSpaces } from '../../src/backup/parent/known-spaces.ts';
import { requireOneKey } from '../../src/backup/parent/one-key.ts';
import type { Parent } from '../../src/backup/parent/parent.ts';
import { type ParentValues, parentFor } from '../../src/cli/parent-options.ts';
import type { BackupError } from '../../src/errors.ts';
import { DirectoryPlace } from '../../src/sink/directory-place.ts';
import { type Encoding, plainEncoding } from '../../src/transform/encoding.ts';
import { failureOf, sampleBegin, samplePosition } from '../archive/support.ts';
import { vector as redoVector } from '../formats/mariadb-redo/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { keys } from '../transform/support.ts';
import { spaceId, tablePages } from './table-file.ts';

const warnings: string[] = [];
const run = {
  reporter: {
    info: () => undefined,
    warn: (message: string) => {
      warnings.push(message);
    },
    progress: () => undefined,
  },
  signal: new AbortController().signal,
  args: [],
};

const read = async (values: Partial<ParentValues>, key?: Uint8Array): Promise<Parent | undefined> =>
  await parentFor({ maxRetries: 1, maxBackoff: 1, timeout: 1, ...values }, key, run);

const refusal = async (values: Partial<ParentValues>, key?: Uint8Array): Promise<BackupError> =>
  await failureOf(async () => await read(values, key));

const begin: BeginRecord = {
  ...sampleBegin,
  serverId: 'uid',
  redoBegan: 12_288,
};
const checkpoints = Buffer.from(
  'backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 46100\nlast_lsn = 46200\n' +
    'recover_binlog_info = 0\n',
);
const known = {
  backupId: begin.backupId,
  redoStart: 46_000,
  toLsn: 46_100,
  lastLsn: 46_200,
  flavour: 'mariadb',
  serverVersion: begin.serverVersion,
  pageSize: 16_384,
  serverId: 'uid',
  redoBegan: 12_288,
  lastRestore: { restoredFrom: begin.restoredFrom, restoredAt: begin.restoredAt },
  pageTracking: begin.pageTracking,
  encryption: undefined,
  keyCheck: undefined,
  startedAt: new Date(begin.startedAt),
} as const;

/** A backup as `--to DIR` makes it, with tablespaces 0, 5 and 9; returns its path. */
async function makeBackup(
  encoding: Encoding = plainEncoding,
  record: BeginRecord = begin,
  name = 'full',
  root = scratchDir('parent'),
): Promise<string> {
  const path = join(root, name);
  const { encryption } = encoding;
  const whole = {
    ...record,
    encryption: encryption?.algorithm,
    keyCheck: encryption && keyCheckOf(encryption.key, record.backupId),
    digests: encoding.digests,
  };
  const store = await CommittedArchive.create(await DirectoryPlace.create(path), whole, encoding);
  for (const [member, space, bytes] of [
    ['ibdata1', 0, Buffer.from('a')],
    ['d/t.ibd', 5, Buffer.from('b')],
    ['d/u.ibd', 9, Buffer.from('c')],
    ['xtrabackup_checkpoints', undefined, checkpoints],
  ] as const) {
    const writer = store.open({ path: member, spaceId: space });
    await writer.write(bytes, crc32(bytes));
    await writer.close();
  }
  await store.finish(samplePosition);
  return path;
}

const spacesOf = (parent: Parent | undefined): number[] | undefined =>
  parent?.knownSpaces && [...parent.knownSpaces].sort((a, b) => a - b);

/** What is known of a parent but its name and its tablespaces. */
const factsOf = (parent: Parent | undefined): object => {
  const { name: _, knownSpaces: __, isThere: ___, ...facts } = parent ?? assert.fail('no parent');
  return facts;
};

describe('the parent of an increment', () => {
  it('is none unless one is named, and one at a time', async () => {
    assert.equal(await read({}), undefined);
    const { code, message } = await refusal({ incrementalBasedir: 'a', incrementalLsn: 5 });
    assert.equal(code, 'usage');
    assert.equal(message, '--incremental-basedir and --incremental-lsn exclude each other');
    const both = await refusal({ incrementalBasedir: 'a', backupIncrementalBase: 'a' });
    assert.match(both.message, /^--incremental-basedir and --backup-incremental-base exclude/u);
  });

  it('is a backup with a manifest, a path or a URL', async () => {
    const path = await makeBackup();
    for (const base of [path, `${path}/`, `file://${path}`]) {
      const parent = await read({ incrementalBase: base });
      assert.deepEqual(factsOf(parent), known);
      assert.deepEqual(spacesOf(parent), [0, 5, 9]);
      assert.ok(parent?.name.includes(path));
    }
  });

  it('can be asked whether it is still there', async () => {
    const path = await makeBackup();
    const parent = await read({ incrementalBase: path });
    assert.equal(await parent?.isThere?.(), true);
    appendFileSync(join(path, 'archive.xbs'), 'x');
    assert.equal(await parent?.isThere?.(), false);
    rmSync(join(path, 'archive.xbs'));
    assert.equal(await parent?.isThere?.(), false);
    // Whoever deletes backups begins with their manifests.
    const going = await makeBackup();
    const other = await read({ incrementalBase: going });
    rmSync(join(going, 'manifest.json'));
    assert.equal(await other?.isThere?.(), false);
  });

  it('is an archive by itself', async () => {
    const path = await makeBackup();
    const parent = await read({ incrementalBase: join(path, 'archive.xbs') });
    assert.deepEqual(factsOf(parent), known);
    assert.deepEqual(spacesOf(parent), [0, 5, 9]);
  });

  it('needs its key when its index is encrypted', async () => {
    const encryption = { algorithm: 'AES256', key: keys.AES256, chunkBytes: 65536 };
    const path = await makeBackup({ encryption, digests: true });
    const { code, hint } = await refusal({ incrementalBase: path });
    assert.equal(code, 'usage');
    assert.match(hint ?? '', /--encrypt-key-file/u);
    const wrong = Buffer.from(keys.AES256.toReversed());
    const other = await refusal({ incrementalBase: path }, wrong);
    assert.equal(other.code, 'wrong-key');
    assert.match(other.hint ?? '', /a new key starts with a full backup/u);
    assert.deepEqual(spacesOf(await read({ incrementalBase: path }, keys.AES256)), [0, 5, 9]);
  });

  it('has the key of the increment, or none, so that one key reads the chain', () => {
    const [key, wrong] = [keys.AES256, Buffer.from(keys.AES256.toReversed())];
    const plain = { name: 'p', backupId: 'id', redoStart: 1, toLsn: 1 };
    const secret = { ...plain, encryption: 'AES256', keyCheck: keyCheckOf(key, 'id') };
    const format = 'xbstream';
    requireOneKey(plain, { key: undefined, format });
    requireOneKey(plain, { key, format });
    requireOneKey(secret, { key, format });
    requireOneKey(secret, { key: undefined, format: 'file' });
    assert.throws(
      () => {
        requireOneKey(secret, { key: wrong, format });
      },
      { code: 'wrong-key', status: 32 },
    );
    assert.throws(
      () => {
        requireOneKey(secret, { key: undefined, format });
      },
      { code: 'chain', status: 40, message: /the increment would not be/u },
    );
  });

  it('is refused when it is not whole', async () => {
    const path = await makeBackup();
    const archive = join(path, 'archive.xbs');
    const bytes = readFileSync(archive);
    writeFileSync(archive, bytes.subarray(0, bytes.length - 1));
    assert.equal((await refusal({ incrementalBase: path })).code, 'chain');
    assert.equal((await refusal({ incrementalBase: archive })).code, 'chain');
    // A name that is misspelt.
    assert.equal((await refusal({ incrementalBase: join(path, 'gone') })).code, 'storage');
    rmSync(join(path, 'manifest.json'));
    const { code, message } = await refusal({ incrementalBase: path });
    assert.equal(code, 'chain');
    assert.match(message, /it has no .*_checkpoints.*: it is no whole backup/u);
  });

  it('is refused when its archive is another than its manifest says', async () => {
    const path = await makeBackup();
    const file = join(path, 'manifest.json');
    const manifest = decodeManifest(readFileSync(file));
    writeFileSync(file, encodeManifest({ ...manifest, backupId: 'another' }));
    const { code, message } = await refusal({ incrementalBase: path });
    assert.equal(code, 'chain');
    assert.match(message, /of another backup than its manifest/u);
  });

  it('is an increment only while what it was taken on is there', async () => {
    const full = await makeBackup();
    const child = { ...begin, backupId: 'child', parentId: begin.backupId, sinceLsn: 46_000 };
    const increment = await makeBackup(plainEncoding, child, 'inc', join(full, '..'));
    assert.equal((await read({ incrementalBase: increment }))?.backupId, 'child');
    rmSync(full, { recursive: true });
    const { code, message } = await refusal({ incrementalBase: increment });
    assert.equal(code, 'chain');
    assert.match(message, /its parent .* is missing/u);
  });

  it('has, by its index, no table that was dropped while it was copied', () => {
    const entry = (path: string, id?: number): MemberEntry => ({
      path,
      spaceId: id,
      size: 0,
      chunks: [],
    });
    const spaces = knownSpaces([
      entry('ibdata1.delta.zst', 0),
      entry('d/kept.ibd.delta', 4),
      entry('d/gone.ibd.delta.lz4.xbcrypt', 5),
      entry('d/gone.del.xbcrypt'),
      entry('d/again.ibd.zst', 6),
      entry('d/again.del'),
      entry('d/again.new.zst', 7),
      entry('d/young.ibd'),
    ]);
    assert.deepEqual([...spaces], [0, 4, 7]);
  });

  it('may be named by an LSN, with a warning that nothing can be checked', async () => {
    warnings.length = 0;
    const { name: _, ...parent } = (await read({ incrementalLsn: 4711 })) ?? assert.fail();
    assert.deepEqual(parent, { redoStart: 4711, toLsn: 4711 });
    assert.match(warnings.join(), /redo starts at LSN 4711 or later/u);
  });
});

const vectors = 'formats/metadata/vectors';

/** What mariadb-backup left: metadata and redo of real backups, and a table. */
function stockDirectory(kind = 'full'): string {
  const path = scratchDir('stock');
  for (const one of ['full', kind]) cpSync(join(vectors, one), path, { recursive: true });
  writeFileSync(join(path, 'ib_logfile0'), redoVector('backup-idle'));
  mkdirSync(join(path, 'd'));
  writeFileSync(join(path, 'd', 't.ibd'), tablePages());
  return path;
}

describe('the directory of a parent', () => {
  it('may be what xbpipe extracted, prepared or not, and may be named by any of the options', async () => {
    const path = scratchDir('own');
    const entry = (member: string, id: number): MemberEntry => ({
      path: member,
      spaceId: id,
      size: 0,
      chunks: [],
    });
    writeFileSync(join(path, beginName), encodeBegin(begin));
    const members = [entry('ibdata1', 0), entry('d/t.ibd', 5)];
    writeFileSync(join(path, indexName), Buffer.concat([...encodeIndex(begin.backupId, members)]));
    for (const type of ['full-backuped', 'full-prepared']) {
      writeFileSync(
        join(path, 'xtrabackup_checkpoints'),
        checkpoints.toString().replace('full-backuped', type),
      );
      for (const option of ['incrementalBase', 'incrementalBasedir', 'backupIncrementalBase']) {
        const parent = await read({ [option]: path });
        assert.deepEqual(factsOf(parent), known);
        assert.deepEqual(spacesOf(parent), [0, 5]);
      }
    }
    rmSync(join(path, indexName));
    writeFileSync(join(path, `${indexName}.zst.xbcrypt`), 'x');
    const { code, hint } = await refusal({ incrementalBasedir: path });
    assert.equal(code, 'chain');
    assert.match(hint ?? '', /--decrypt/u);
  });

  it('may be an --extra-lsndir, which does not tell of tablespaces', async () => {
    const path = scratchDir('extra');
    writeFileSync(join(path, beginName), encodeBegin(begin));
    writeFileSync(join(path, 'xtrabackup_checkpoints'), checkpoints);
    const parent = await read({ incrementalBasedir: path });
    assert.deepEqual(factsOf(parent), known);
    assert.equal(parent?.knownSpaces, undefined);
  });

  it('may be of mariadb-backup: its redo tells where it starts, its files what is in it', async () => {
    const path = stockDirectory();
    writeFileSync(join(path, 'd', 'young.ibd'), Buffer.alloc(8192));
    writeFileSync(
      join(path, 'd', 'u.ibd.meta'),
      encodeDeltaMeta({ pageSize: 16384, zipSize: 0, spaceId: 11, others: [] }),
    );
    writeFileSync(join(path, 'd', 'u.ibd.delta'), 'x');
    const parent = await read({ incrementalBase: path });
    assert.deepEqual(spacesOf(parent), [spaceId, 11]);
    const { startedAt, ...facts } = factsOf(parent) as Parent;
    assert.deepEqual(facts, {
      redoStart: 48_107,
      toLsn: 44_404,
      lastLsn: 48_077,
      flavour: 'mariadb',
      serverVersion: '10.11.19-MariaDB-0+deb12u1-log',
      pageSize: 16_384,
    });
    assert.equal(startedAt?.getFullYear(), 2026);
  });

  it('tells of no tablespaces where they are compressed', async () => {
    const path = stockDirectory();
    writeFileSync(join(path, 'd', 'u.ibd.zst'), 'x');
    assert.equal((await read({ incrementalBasedir: path }))?.knownSpaces, undefined);
  });

  for (const [name, spoil, why] of [
    [
      'is prepared by a stock tool',
      (path: string) => {
        cpSync(join(vectors, 'prepared'), path, { recursive: true });
      },
      /it is prepared, and its ib_logfile0 is another one/u,
    ],
    [
      'lacks its redo',
      (path: string) => {
        rmSync(join(path, 'ib_logfile0'));
      },
      /without ib_logfile0 as it was copied/u,
    ],
    [
      'has redo that nobody understands',
      (path: string) => {
        writeFileSync(join(path, 'ib_logfile0'), Buffer.alloc(20_000, 7));
      },
      /without ib_logfile0 as it was copied/u,
    ],
    [
      'is an unfinished extraction',
      (path: string) => {
        mkdirSync(join(path, 'xbpipe-partial'));
      },
      /unfinished extraction/u,
    ],
    [
      'has no checkpoints',
      (path: string) => {
        rmSync(join(path, 'xtrabackup_checkpoints'));
      },
      /it is no whole backup/u,
    ],
  ] as const) {
    it(`is refused, with a hint, when it ${name}`, async () => {
      const path = stockDirectory();
      spoil(path);
      const { code, message, hint } = await refusal({ incrementalBasedir: path });
      assert.equal(code, 'chain');
      assert.match(message, why);
      assert.ok(hint !== undefined);
    });
  }
});
