import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join as joinPath, relative } from 'node:path';
import { describe, it } from 'node:test';
import { decodeManifest } from '../../formats/archive-record/index.ts';
import { encodeChunks } from '../../formats/xbcrypt/index.ts';
import { BackupError } from '../../src/errors.ts';
import { importArchive } from '../../src/import/import-archive.ts';
import { openStoredBackup } from '../../src/source/stored-backup.ts';
import { FileStore } from '../../src/store/file-store.ts';
import type { ObjectFacts } from '../../src/store/object-store.ts';
import { failureOf, flipped, rearranged, samples, writeArchive } from '../archive/support.ts';
import { key } from '../archive/encrypted-support.ts';
import {
  chunk,
  endChunk,
  join,
  payloadChunk,
  sparseChunk,
  text,
  u32,
  u64,
} from '../formats/xbstream/support.ts';
import { vector } from '../formats/mariadb-redo/support.ts';
import { treeOf } from '../sink/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { runTool } from '../support/tool.ts';

const vectors = 'formats/metadata/vectors/full';
const metadataNames = [
  'backup-my.cnf',
  'xtrabackup_binlog_info',
  'xtrabackup_checkpoints',
  'xtrabackup_info',
];
const uuid = '49fa1a7b-e555-11f1-8728-02fc00000001';

const member = (path: string, ...payloads: Uint8Array[]): Uint8Array[] => {
  let offset = 0;
  const chunks = payloads.map((payload) => {
    const at = offset;
    offset += payload.length;
    return payloadChunk(path, at, payload);
  });
  return [...chunks, endChunk(path)];
};

/** The metadata of a backup by mariadb-backup, as members. */
const metadata = (
  change: (name: string, bytes: Buffer) => Uint8Array = (_, bytes) => bytes,
  suffix = '',
): Uint8Array[] =>
  metadataNames.flatMap((name) =>
    member(name + suffix, change(name, readFileSync(joinPath(vectors, name)))),
  );

const rename = (from: string, to: string): Uint8Array => chunk('R', from, u32(to.length), text(to));

/** What the stock tools have and ours has not: sparse and seek chunks, renames, `./`. */
const oddities = [
  sparseChunk(
    'sparse.ibd',
    0,
    [
      [0, 3],
      [4, 2],
      [5, 0],
    ],
    text('abcde'),
  ),
  payloadChunk('sparse.ibd', 14, text('tail')),
  endChunk('sparse.ibd'),
  chunk('S', 'seek', u64(4)),
  payloadChunk('seek', 4, text('data')),
  chunk('S', 'seek', u64(12)),
  endChunk('seek'),
  ...member('./db/dot.frm', text('dot')),
  ...member('db/old.ibd', text('renamed')),
  rename('db/old.ibd', 'db/new.ibd'),
  ...member('db/gone.ibd', text('gone')),
  chunk('D', 'db/gone.ibd'),
  ...member('db/empty'),
];
const oddFiles: Record<string, string> = {
  'sparse.ibd': 'abc\0\0\0\0de\0\0\0\0\0tail',
  seek: '\0\0\0\0data\0\0\0\0',
  'db/dot.frm': 'dot',
  'db/new.ibd': 'renamed',
  'db/empty': '',
};
const stock = join(...member('db/t.ibd', text('rows, '), text('rows')), ...oddities, ...metadata());

/** An archive `full.xbs` in a new directory. */
function stored(bytes: Uint8Array = stock, name = 'full.xbs'): string {
  const folder = scratchDir('import');
  writeFileSync(joinPath(folder, name), bytes);
  return folder;
}

const importInto = async (folder: string, archiveKey = 'full.xbs', withKey?: Uint8Array) =>
  await importArchive(new FileStore(folder), archiveKey, { name: 'full', key: withKey });

async function extracted(
  folder: string,
  ...args: string[]
): Promise<{ status: number | null; stderr: string; tree: Record<string, string> }> {
  const target = scratchDir('out');
  const { status, stderr } = await runTool([
    'extract',
    `--from=${joinPath(folder, 'full')}`,
    '-C',
    target,
    ...args,
  ]);
  return { status, stderr, tree: treeOf(target) };
}

describe('an archive by a stock tool', () => {
  it('becomes a backup where it lies, with what its metadata say in the manifest', async () => {
    const folder = stored();
    const manifest = await importInto(folder);
    assert.deepEqual(readdirSync(folder).sort(), ['full', 'full.xbs']);
    const path = joinPath(folder, 'full', 'manifest.json');
    assert.deepEqual(decodeManifest(readFileSync(path)), {
      ...manifest,
      parentId: undefined,
      sinceLsn: undefined,
      compression: undefined,
      encryption: undefined,
    });
    const { startedAt, finishedAt, ...rest } = manifest;
    assert.equal(Date.parse(finishedAt) - Date.parse(startedAt), 2000);
    assert.deepEqual(rest, {
      backupId: uuid,
      tool: 'mariadb-backup 10.11.19-MariaDB',
      flavour: 'mariadb',
      serverVersion: '10.11.19-MariaDB-0+deb12u1-log',
      pageSize: 16_384,
      redoStart: 0,
      toLsn: 44_404,
      lastLsn: 48_077,
      binlog: { file: 'binlog.000001', position: 1082, gtid: '0-3-5' },
      compression: undefined,
      encryption: undefined,
      members: 10,
      plainBytes: rest.plainBytes,
      objects: [{ name: '../full.xbs', size: stock.length }],
      index: 'index.json',
    });
  });

  it('gives each of its files by ranges, and all of them when it is read whole', async () => {
    const folder = stored();
    await importInto(folder);
    const all = { ...oddFiles, 'db/t.ibd': 'rows, rows' };
    for (const [path, content] of Object.entries(all)) {
      const { status, stderr, tree } = await extracted(folder, `--include=${path}`);
      assert.equal(status, 0, stderr);
      assert.deepEqual(tree, { [path]: content });
    }
    for (const args of [['--include=**'], []]) {
      const { status, stderr, tree } = await extracted(folder, ...args);
      assert.equal(status, 0, stderr);
      const names = [...Object.keys(all), ...metadataNames];
      assert.deepEqual(Object.keys(tree).sort(), names.sort());
      for (const [path, content] of Object.entries(all)) assert.equal(tree[path], content);
    }
  });

  it('is refused when it was altered since, wherever that is', async () => {
    const folder = stored();
    await importInto(folder);
    const [first, second] = [payloadChunk('db/t.ibd', 0, text('rows, ')), text('Rows, ')];
    const forged = [
      join(payloadChunk('db/t.ibd', 0, second), stock.subarray(first.length)),
      rearranged(stock, (all) => [...all.slice(3), ...all.slice(0, 3)]),
      join(
        stock.subarray(0, first.length),
        endChunk('db/t.ibd'),
        ...member('u', text('123')),
        ...oddities,
        ...metadata(),
      ),
    ];
    // As long as before, and as sound an archive.
    for (const bytes of forged.slice(0, 2)) {
      writeFileSync(joinPath(folder, 'full.xbs'), bytes);
      assert.equal(bytes.length, stock.length);
      const { status, stderr } = await extracted(folder);
      assert.equal(status, 31, stderr);
      const some = await extracted(folder, '--include=db/t.ibd');
      assert.equal(some.status, 31, some.stderr);
    }
    writeFileSync(joinPath(folder, 'full.xbs'), forged[2] ?? '');
    assert.equal((await extracted(folder)).status, 30, 'of another length');
  });

  it('is refused when its index is missing, damaged or of another backup', async () => {
    const folder = stored();
    await importInto(folder);
    const path = joinPath(folder, 'full', 'index.json');
    const index = readFileSync(path, 'utf8');
    for (const [changed, message] of [
      [index.replace(uuid, uuid.replace('4', '5')), /index\.json is of another backup/],
      [index.slice(0, -1), /not JSON with one member a line/],
      [`${index}${' '.repeat(10_000_000)}`, /is longer than the index can be/],
      [index.replace('db/t.ibd', 'db/u.ibd'), /db\/u\.ibd/],
      [index.replace('"size":10', '"size":11'), /db\/t\.ibd/],
      [index.replace('"chunkPath":"db/old.ibd"', '"chunkPath":"db/odd.ibd"'), /db\/new\.ibd/],
    ] as const) {
      assert.notEqual(changed, index);
      writeFileSync(path, changed);
      const { status, stderr } = await extracted(folder);
      assert.equal(status, 31, stderr);
      assert.match(stderr, message);
    }
  });

  it('is not imported when it is not whole', async () => {
    const damaged: [Uint8Array, string][] = [
      [stock.subarray(0, -1), 'incomplete'],
      [rearranged(stock, (all) => all.slice(0, -1)), 'incomplete'],
      [rearranged(stock, (all) => all.slice(0, -2)), 'incomplete'],
      [flipped(stock, 50, 1), 'corrupt'],
      [join(...member('a', text('x'))), 'incomplete'],
      [new Uint8Array(0), 'incomplete'],
    ];
    for (const [bytes, code] of damaged) {
      const folder = stored(bytes);
      assert.equal((await failureOf(() => importInto(folder))).code, code);
      assert.deepEqual(readdirSync(folder), ['full.xbs']);
    }
  });

  it('is not imported without its metadata, as an increment, or when it is one of ours', async () => {
    const without = (name: string): Uint8Array =>
      join(
        ...metadataNames
          .filter((other) => other !== name)
          .flatMap((other) => member(other, readFileSync(joinPath(vectors, other)))),
      );
    const change = (name: string, from: string, to: string): Uint8Array =>
      join(
        ...metadata((other, bytes) =>
          other === name ? text(bytes.toString().replace(from, to)) : bytes,
        ),
      );
    for (const [bytes, code, message] of [
      [without('backup-my.cnf'), 'incomplete', /has no backup-my\.cnf/],
      [
        change('xtrabackup_checkpoints', 'full-backuped', 'incremental'),
        'chain',
        /does not name its parent/,
      ],
      [
        change('xtrabackup_info', '2026-11-21 02:43:08', 'yesterday'),
        'corrupt',
        /"yesterday" is no time/,
      ],
      [change('xtrabackup_checkpoints', 'to_lsn', 'to'), 'corrupt', /xtrabackup_checkpoints: /],
      [await writeArchive(samples), 'usage', /one of xbpipe/],
    ] as const) {
      const folder = stored(bytes);
      const error = await failureOf(() => importInto(folder));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
    }
  });

  it('has redo from the checkpoint in the header of its log, or from 0 when that is unknown', async () => {
    const log = vector('backup-idle');
    const broken = Buffer.from(log);
    broken[0] = 1;
    for (const [bytes, redoStart] of [
      [log, 48_107],
      [broken, 0],
      [log.subarray(0, 100), 0],
      [new Uint8Array(12_288), 0],
    ] as const) {
      const manifest = await importInto(
        stored(join(...member('ib_logfile0', bytes), ...metadata())),
      );
      assert.equal(manifest.redoStart, redoStart);
    }
  });

  it('goes without binlog position and UUID where there are none', async () => {
    const names = metadataNames.filter((name) => name !== 'xtrabackup_binlog_info');
    const bytes = names.flatMap((name) =>
      member(name, text(readFileSync(joinPath(vectors, name), 'utf8').replace(uuid, ''))),
    );
    const { binlog, backupId } = await importInto(stored(join(...bytes)));
    assert.equal(binlog, undefined);
    assert.match(backupId, /^[0-9a-f-]{36}$/);
  });

  it('is imported with its key when it is encrypted, and says so without', async () => {
    const locked = metadata((_, bytes) => join(...encodeChunks(bytes, key)), '.xbcrypt');
    const folder = stored(join(...member('db/t.ibd.zst.xbcrypt', text('?')), ...locked));
    const error = await failureOf(() => importInto(folder));
    assert.equal(error.code, 'usage');
    assert.match(error.message, /is encrypted and no key is given/);
    const { compression, encryption } = await importInto(folder, 'full.xbs', key);
    assert.deepEqual([compression, encryption], ['zstd', 'AES256']);
    const other = stored(join(...locked));
    const wrong = await failureOf(() => importInto(other, 'full.xbs', text('0'.repeat(32))));
    assert.equal(wrong.code, 'wrong-key');
  });

  it('never takes a name that is used', async () => {
    const folder = stored();
    mkdirSync(joinPath(folder, 'full'));
    writeFileSync(joinPath(folder, 'full', 'x'), '');
    const error = await failureOf(() => importInto(folder));
    assert.equal(error.code, 'storage');
    assert.match(error.message, /full\/x exists/);
    const bare = stored(stock, 'full');
    assert.match((await failureOf(() => importInto(bare, 'full'))).message, /full exists/);
  });
});

/** Fails to put the manifest, and tells or does not tell whether it is there. */
class NoManifests extends FileStore {
  readonly #isThere: () => Promise<undefined>;

  constructor(root: string, isThere: () => Promise<undefined>) {
    super(root);
    this.#isThere = isThere;
  }

  override async put(key: string, bytes: Uint8Array): Promise<void> {
    if (key.endsWith('manifest.json')) throw new BackupError('storage', 'the first failure');
    await super.put(key, bytes);
  }

  override async head(key: string): Promise<ObjectFacts | undefined> {
    return key.endsWith('manifest.json') ? await this.#isThere() : await super.head(key);
  }
}

describe('an import whose manifest cannot be put', () => {
  for (const [isThere, left] of [
    [() => Promise.resolve(undefined), ['full.xbs']],
    [() => Promise.reject(new BackupError('storage', 'the second')), ['full', 'full.xbs']],
  ] as const) {
    const outcome = left.length === 1 ? 'no index when there is none' : 'it while that is unknown';
    it(`tells of that failure and leaves ${outcome}`, async () => {
      const folder = stored();
      const store = new NoManifests(folder, isThere);
      const error = await failureOf(() => importArchive(store, 'full.xbs', { name: 'full' }));
      assert.equal(error.message, 'the first failure');
      assert.deepEqual(readdirSync(folder).sort(), left);
    });
  }
});

describe('xbpipe import', () => {
  it('calls the backup as the archive without its extension, or as it is told', async () => {
    for (const [file, args, name] of [
      ['full.xbs', [], 'full'],
      ['day.1.xbstream', [], 'day.1'],
      ['full', [], 'full.imported'],
      ['full.xbs', ['other'], 'other'],
    ] as const) {
      const folder = stored(stock, file);
      const to = args.map((arg) => `--to=${joinPath(folder, arg)}`);
      const { status, stderr } = await runTool(['import', joinPath(folder, file), ...to]);
      assert.equal(status, 0, stderr);
      assert.match(stderr, new RegExp(`${name} is backup ${uuid}: 10 files, LSN 0 to 48077`));
      assert.ok(await openStoredBackup(new FileStore(folder), name));
    }
  });

  it('takes a name, or the path of one however it is written', async () => {
    for (const [to, name] of [
      ['other', 'other'],
      ['2026-11-21T10:00', '2026-11-21T10:00'],
      ['RELATIVE/other', 'other'],
      ['file:RELATIVE/../SELF//other/', 'other'],
    ] as const) {
      const folder = stored();
      const path = to
        .replace('RELATIVE', relative(process.cwd(), folder))
        .replace('SELF', basename(folder));
      const { status, stderr } = await runTool([
        'import',
        `--to=${path}`,
        joinPath(folder, 'full.xbs'),
      ]);
      assert.equal(status, 0, stderr);
      assert.ok(existsSync(joinPath(folder, name, 'manifest.json')), to);
    }
    for (const to of ['.', '..', '', 'gs:x']) {
      const { status, stderr } = await runTool([
        'import',
        `--to=${to}`,
        joinPath(stored(), 'full.xbs'),
      ]);
      assert.equal(status, 2, stderr);
    }
  });

  it('puts the backup nowhere but beside the archive', async () => {
    const folder = stored();
    const elsewhere = joinPath(scratchDir('elsewhere'), 'full');
    const { status, stderr } = await runTool([
      'import',
      joinPath(folder, 'full.xbs'),
      `--to=${elsewhere}`,
    ]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /does not lie beside the archive/);
    assert.ok(!existsSync(elsewhere));
    const missing = await runTool(['import', joinPath(folder, 'none.xbs')]);
    assert.equal(missing.status, 30, missing.stderr);
  });
});
