import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { metadataBytesMax } from '../../formats/metadata/index.ts';
import type { Decoding } from '../../src/transform/member-decoder.ts';
import { memberEncoder } from '../../src/transform/member-encoder.ts';
import { key, locked, otherKey, writeEncoded } from '../archive/encrypted-support.ts';
import { flipped, sha256Of, stockArchive } from '../archive/support.ts';
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
import { treeOf } from '../sink/support.ts';
import { compressions, mixed } from '../transform/support.ts';
import { extractNew } from './extract-support.ts';

const both: Decoding = { decompress: true, key };

const compressed = (content: Uint8Array, which: 1 | 2 = 1): Uint8Array =>
  Uint8Array.from(
    memberEncoder({ compression: compressions[which], digests: false }, { packed: false })?.encode(
      content,
    ) ?? assert.fail(),
  );

/** A member of one chunk. */
const member = (path: string, payload: Uint8Array): Uint8Array =>
  join(payloadChunk(path, 0, payload), endChunk(path));

/** What comes of an archive of these chunks by a stock tool, its closing files left away. */
async function treeFrom(
  chunks: readonly Uint8Array[],
  decoding: Decoding = both,
): Promise<Record<string, string>> {
  const { error, target } = await extractNew(stockArchive(...chunks), { decoding });
  assert.ifError(error);
  const { xtrabackup_checkpoints: _, xtrabackup_info: __, ...tree } = treeOf(target);
  return tree;
}

/** The error that the same ends in. */
async function refusal(
  chunks: readonly Uint8Array[],
  decoding: Decoding = both,
): Promise<NonNullable<Awaited<ReturnType<typeof extractNew>>['error']>> {
  const { error } = await extractNew(stockArchive(...chunks), { decoding });
  return error ?? assert.fail('it was accepted');
}

const content = mixed(100_000);
const shown = Buffer.from(content).toString('latin1');

describe('extract with decoding, of an archive by a stock tool', () => {
  it('decodes what is compressed, encrypted, or both in either order', async () => {
    const tree = await treeFrom([
      member('db/a.ibd.zst', compressed(content)),
      member('db/b.ibd.lz4', compressed(content, 2)),
      member('db/c.ibd.xbcrypt', locked(content)),
      member('db/d.ibd.zst.xbcrypt', locked(compressed(content))),
      member('db/e.ibd.xbcrypt.lz4', compressed(locked(content), 2)),
      member('db/f.ibd', content),
    ]);
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `db/${name}.ibd`);
    assert.deepEqual(Object.keys(tree), names);
    for (const name of names) assert.ok(tree[name] === shown, name);
  });

  it('decodes what mariadb-backup compressed, encrypted on top or not', async () => {
    const sums = readFileSync('formats/qpress/vectors/originals.sha256', 'utf8');
    for (const name of ['db.opt', 'pages.ibd', 'empty.MYD']) {
      const [wanted] = sums.split('\n').filter((line) => line.endsWith(` ${name}`));
      const packed = readFileSync(`formats/qpress/vectors/${name}.qp`);
      const tree = await treeFrom([
        member(`${name}.qp`, packed),
        member(`b/${name}.qp.xbcrypt`, locked(packed)),
      ]);
      for (const path of [name, `b/${name}`]) {
        const sum = sha256Of(Buffer.from(tree[path] ?? assert.fail(path), 'latin1'));
        assert.equal(sum, wanted?.split(' ')[0], path);
      }
    }
  });

  it('leaves what is encrypted as it is without --decrypt, compressed inside or not', async () => {
    const chunks = [
      member('a.zst.xbcrypt', locked(compressed(content))),
      member('b.xbcrypt', locked(content)),
      member('c.zst', compressed(content)),
    ];
    const tree = await treeFrom(chunks, { decompress: true });
    assert.deepEqual(Object.keys(tree), ['a.zst.xbcrypt', 'b.xbcrypt', 'c']);
    assert.ok(tree['c'] === shown);
    const raw = await treeFrom(chunks, { decompress: false });
    assert.deepEqual(Object.keys(raw), ['a.zst.xbcrypt', 'b.xbcrypt', 'c.zst']);
    assert.equal(raw['a.zst.xbcrypt'], tree['a.zst.xbcrypt']);
  });

  it('leaves what is compressed as it is without --decompress', async () => {
    const packed = compressed(content);
    const tree = await treeFrom(
      [member('a.zst.xbcrypt', locked(packed)), member('b.zst', packed)],
      { decompress: false, key },
    );
    const bytes = Buffer.from(packed).toString('latin1');
    assert.deepEqual(tree, { 'a.zst': bytes, 'b.zst': bytes });
  });

  it('takes the bytes of a member in any chunks, mixed with those of others', async () => {
    const [a, b] = [compressed(content), locked(content)];
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < Math.max(a.length, b.length); at += 777) {
      if (at < a.length) chunks.push(payloadChunk('a.zst', at, a.subarray(at, at + 777)));
      if (at < b.length) chunks.push(payloadChunk('b.xbcrypt', at, b.subarray(at, at + 777)));
    }
    const tree = await treeFrom([...chunks, endChunk('a.zst'), endChunk('b.xbcrypt')]);
    assert.ok(tree['a'] === shown && tree['b'] === shown);
  });

  it('makes an empty file of an empty member, and of one that stands for nothing', async () => {
    const nothing = compressed(new Uint8Array(0));
    const chunks = [endChunk('a.zst'), endChunk('b.xbcrypt'), member('c.zst', nothing)];
    assert.deepEqual(await treeFrom(chunks), { a: '', b: '', c: '' });
  });

  it('moves and removes decoded files by the names that they have now', async () => {
    const rename = (from: string, to: string): Uint8Array =>
      chunk('R', from, u32(to.length), text(to));
    const tree = await treeFrom([
      member('a.zst', compressed(content)),
      rename('a.zst', 'db/moved.zst'),
      member('b.zst.xbcrypt', locked(compressed(text('gone')))),
      chunk('D', 'b.zst.xbcrypt'),
      member('c.xbcrypt', locked(text('c'))),
      member('d.xbcrypt', locked(text('d'))),
      rename('c.xbcrypt', 'd.xbcrypt'),
    ]);
    assert.deepEqual(Object.keys(tree), ['d', 'db/moved']);
    assert.equal(tree['d'], 'c');
    assert.ok(tree['db/moved'] === shown);
  });

  it('moves a decoded file while another one is open, as the redo log is all the time', async () => {
    const packed = compressed(content);
    const half = packed.length >> 1;
    const tree = await treeFrom([
      payloadChunk('ib_logfile0.zst', 0, packed.subarray(0, half)),
      member('a.zst', compressed(text('a'))),
      chunk('R', 'a.zst', u32(5), text('b.zst')),
      payloadChunk('ib_logfile0.zst', half, packed.subarray(half)),
      endChunk('ib_logfile0.zst'),
    ]);
    assert.deepEqual(Object.keys(tree), ['b', 'ib_logfile0']);
    assert.ok(tree['ib_logfile0'] === shown);
  });

  it('decodes what was encrypted and then compressed, in pieces of any size', async () => {
    const long = mixed(3_000_000);
    const tree = await treeFrom([member('a.xbcrypt.zst', compressed(locked(long)))]);
    assert.ok(tree['a'] === Buffer.from(long).toString('latin1'));
  });
});

describe('extract with decoding refuses', () => {
  it('a member that is cut, and names it and the place', async () => {
    for (const [path, bytes] of [
      ['db/t.ibd.zst', compressed(content).subarray(0, -1)],
      ['db/t.ibd.lz4', compressed(content, 2).subarray(0, -1)],
      ['db/t.ibd.xbcrypt', locked(content).subarray(0, -1)],
      ['db/t.ibd.zst.xbcrypt', locked(compressed(content).subarray(0, -1))],
    ] as const) {
      const error = await refusal([member(path, bytes)]);
      assert.equal(error.code, 'incomplete', error.message);
      assert.ok(error.message.startsWith(`${path}: `), error.message);
      assert.match(error.message, /at byte \d+: /);
      assert.deepEqual([error.where.path, (error.where.offset ?? 0) > 0], [path, true]);
    }
  });

  it('a member that is damaged inside of right chunks, and names it and the place', async () => {
    for (const [path, bytes] of [
      ['t.zst', compressed(content)],
      ['t.lz4', compressed(content, 2)],
      ['t.xbcrypt', locked(content)],
    ] as const) {
      const error = await refusal([member(path, flipped(bytes, bytes.length - 1, 3))]);
      assert.equal(error.code, 'corrupt', error.message);
      assert.ok(error.message.startsWith(`${path}: `), error.message);
      assert.equal(error.where.path, path);
    }
  });

  it('the wrong key', async () => {
    const error = await refusal([member('t.xbcrypt', locked(content))], { ...both, key: otherKey });
    assert.deepEqual([error.code, error.where.path], ['wrong-key', 't.xbcrypt']);
  });

  it('a member that would stay encrypted where it must be readable', async () => {
    const archive = stockArchive(member('t.zst.xbcrypt', locked(compressed(content))));
    const options = { decoding: { decompress: true }, needKey: true };
    const { error } = await extractNew(archive, options);
    assert.ok(error);
    assert.equal(error.code, 'usage');
    assert.match(error.message, /t\.zst\.xbcrypt is encrypted and no key is given/);
  });

  it('holes in what is encoded', async () => {
    for (const hole of [
      join(sparseChunk('t.zst', 0, [[4096, 3]], text('abc')), endChunk('t.zst')),
      join(chunk('S', 't.zst', u64(4096)), endChunk('t.zst')),
    ]) {
      const error = await refusal([hole]);
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, /t\.zst: a sparse or seek chunk in an encoded member/);
      // As it is, such a file is nobody's business.
      assert.ok('t.zst' in (await treeFrom([hole], { decompress: false })));
    }
  });

  it('a text file of the backup that decodes to more than such a file can be', async () => {
    const long = compressed(new Uint8Array(metadataBytesMax + 1));
    assert.ok(long.length < 1000);
    for (const path of ['mariadb_backup_binlog_info.zst', 'backup-my.cnf.zst']) {
      const { code, message } = await refusal([member(path, long)]);
      assert.equal(code, 'corrupt');
      assert.match(
        message,
        new RegExp(`${path}: it decodes to more than the 1048576 bytes it can`),
      );
    }
  });

  it('more encoded members open at once than any backup has', async () => {
    const open = (count: number): Uint8Array[] => {
      const paths = Array.from({ length: count }, (_, i) => `db/t${i}.ibd.zst`);
      const begun = paths.map((path) => payloadChunk(path, 0, compressed(text('rows'))));
      return [...begun, ...paths.map(endChunk)];
    };
    assert.equal(Object.keys(await treeFrom(open(256))).length, 256);
    const { code, message } = await refusal(open(257));
    assert.equal(code, 'corrupt');
    assert.match(message, /t256\.ibd\.zst: more than 256 encoded members are open at once/);
  });

  it('two members that become one file', async () => {
    const first = compressed(text('first'));
    for (const chunks of [
      [member('t', text('plain')), member('t.zst', first)],
      [member('t.zst', first), member('t.lz4', compressed(text('second'), 2))],
      [
        payloadChunk('t.zst', 0, first),
        member('t.xbcrypt', locked(text('second'))),
        endChunk('t.zst'),
      ],
    ]) {
      const error = await refusal(chunks);
      assert.match(error.message, /it exists already|second time|becomes/, error.message);
    }
  });
});

describe('extract with decoding, of an archive by xbpipe', () => {
  const encoding = {
    compression: { algorithm: 'zstd', level: 1 },
    encryption: { algorithm: 'AES256', key, chunkBytes: 65536 },
    digests: true,
  } as const;
  const members = [
    ['ibdata1', mixed(70_000)],
    ['db/t.ibd', mixed(3000), mixed(70_000)],
    ['db/empty.MYD'],
    ['xtrabackup_checkpoints', text('plain in every backup')],
  ] as const;

  it('brings back the files, however the bytes come', async () => {
    const archive = await writeEncoded(members, encoding);
    for (const pieceBytes of [997, archive.length]) {
      const { error, target } = await extractNew(archive, { decoding: both, key, pieceBytes });
      assert.ifError(error);
      const tree = treeOf(target);
      for (const [path, ...pieces] of members) {
        assert.ok(tree[path] === Buffer.concat(pieces).toString('latin1'), path);
      }
      assert.match(tree['xbpipe_index.json'] ?? '', /"db\/t\.ibd\.zst\.xbcrypt"/);
    }
  });

  it('checks the seal with a key that is not there to decrypt', async () => {
    const archive = await writeEncoded(members, encoding);
    const { error, target } = await extractNew(archive, { key });
    assert.ifError(error);
    assert.ok('db/t.ibd.zst.xbcrypt' in treeOf(target));
    assert.equal((await extractNew(archive, { key: otherKey })).error?.code, 'wrong-key');
  });
});
