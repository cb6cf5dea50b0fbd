import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MemberEntry } from '../../formats/archive-record/index.ts';
import { readArchiveIndex } from '../../src/archive/archive-index.ts';
import type { Encoding } from '../../src/transform/encoding.ts';
import {
  type Sample,
  assemble,
  chunksOf,
  failureOf,
  flipped,
  samples,
  stockArchive,
  stockMember,
  writeArchive,
} from '../archive/support.ts';
import { key, otherKey, writeEncoded } from '../archive/encrypted-support.ts';
import { membersOf, storedArchive } from './members-support.ts';

const text = (bytes: string | Uint8Array): string =>
  typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
const contents = Object.fromEntries(
  samples.map(([path, ...payloads]) => [path, payloads.map(text).join('')]),
);
const secret: Encoding = {
  compression: { algorithm: 'zstd', level: 1 },
  encryption: { algorithm: 'AES256', key, chunkBytes: 4096 },
  digests: true,
};
const plainPieces = samples.map(
  ([path, ...payloads]) => [path, ...payloads.map((piece) => Buffer.from(piece))] as const,
);

describe('some members of an archive, by their ranges', () => {
  it('are the files of the archive, each by itself and all together', async () => {
    const bytes = await writeArchive(samples);
    for (const cuts of [[], [1], [700], [bytes.length - 1], [300, 301, 900]]) {
      const { archive } = await storedArchive(bytes, cuts);
      for (const [path, content] of Object.entries(contents)) {
        const { error, tree } = await membersOf(archive, [path]);
        assert.equal(error, undefined);
        assert.deepEqual(tree, { [path]: content });
      }
      assert.deepEqual(await membersOf(archive, ['**']), { error: undefined, tree: contents });
    }
  });

  it('are decrypted and decompressed on the way', async () => {
    const { archive } = await storedArchive(await writeEncoded(plainPieces, secret));
    const decoding = { decompress: true, key };
    const { error, tree } = await membersOf(archive, ['db/*'], { key, decoding });
    assert.equal(error, undefined);
    const wanted = Object.entries(contents).filter(([path]) => path.startsWith('db/'));
    assert.deepEqual(tree, Object.fromEntries(wanted));
  });

  it('are not to be had with another key, or when nothing has the name', async () => {
    const { archive } = await storedArchive(await writeEncoded(plainPieces, secret));
    for (const [options, glob, code] of [
      [{ key: otherKey }, '**', 'wrong-key'],
      [{ key }, 'none', 'usage'],
    ] as const) {
      const { error, tree } = await membersOf(archive, [glob], options);
      assert.equal(error?.code, code);
      assert.deepEqual(tree, {});
    }
  });

  it('are nothing that an index tells of, where there is none or none that can be read', async () => {
    const stock = stockArchive(...stockMember('ibdata1', 'x'));
    for (const bytes of [await writeEncoded(plainPieces, secret), stock, new Uint8Array(0)]) {
      const { archive } = await storedArchive(bytes);
      assert.equal(await readArchiveIndex(archive, { key: undefined }), undefined);
    }
  });
});

describe('what is read of an archive for some of its members', () => {
  const mib = 1024 * 1024;
  const table = (name: string, mibs: number): Sample => [
    `db/${name}.ibd`,
    ...Array.from({ length: mibs }, () => new Uint8Array(mib).fill(mibs)),
  ];

  it('is their chunks and the records, near ones together, at most 16 MiB at a time, 3 at once', async () => {
    const bytes = await writeArchive([
      table('a', 3),
      ['db/near.ibd', new Uint8Array(900_000)],
      ['db/small.frm', 'x'],
      table('b', 2),
      table('far', 3),
      table('c', 50),
    ]);
    const { archive, store } = await storedArchive(bytes);
    const index = await readArchiveIndex(archive, { key: undefined });
    assert.ok(index);
    // The front, the end record and the index.
    assert.equal(store.reads.length, 3);
    assert.ok(store.reads.reduce((sum, { length }) => sum + length, 0) < 200_000);
    store.reads.length = 0;
    await membersOf(archive, ['db/[x]', 'db/?.ibd', 'db/small.frm']);
    const members = store.reads.slice(3);
    const placed = (path: string): number[] =>
      index.members.find((member) => member.path === `db/${path}.ibd`)?.chunks ?? [];
    const [from = 0] = placed('a');
    const [far = 0] = placed('far');
    // What is near comes along, what is far does not.
    const [first, ...rest] = members;
    assert.equal(first?.offset, from);
    assert.ok(first.length < far - from && far - first.length - from < 100);
    assert.equal(rest[0]?.offset, placed('c')[0]);
    const sizes = rest.map((read) => Math.ceil(read.length / mib));
    assert.deepEqual(sizes, [16, 16, 16, 3]);
    assert.equal(store.mostUnderWay, 3);
  });

  it('is four requests for one table of hundreds', async () => {
    const tables = Array.from({ length: 300 }, (_, i) => [
      [`shop/t${i}.frm`, `definition of ${i}`] as const,
      [`shop/t${i}.ibd`, new Uint8Array(20_000).fill(i)] as const,
    ]).flat();
    const bytes = await writeEncoded(
      tables.map(([path, content]) => [path, Buffer.from(content)] as const),
      secret,
    );
    const { archive, store } = await storedArchive(bytes);
    const decoding = { decompress: true, key };
    const { error, tree } = await membersOf(archive, ['shop/t123.*'], { key, decoding });
    assert.equal(error, undefined);
    assert.deepEqual(Object.keys(tree), ['shop/t123.frm', 'shop/t123.ibd']);
    assert.equal(store.reads.length, 4);
  });
});

describe('a damaged archive', () => {
  const wanted = 'db/t.ibd';

  it('gives nothing wrong, whichever bit is flipped: the member is right, or refused', async () => {
    const bytes = await writeArchive(samples, { digests: true });
    const own = chunksOf(bytes).filter(({ path, kind }) => path === wanted && kind === 'payload');
    const records = chunksOf(bytes).filter(
      ({ path, kind }) => kind === 'payload' && path.startsWith('xbpipe_'),
    );
    const within = (at: number, chunks: typeof own): boolean =>
      chunks.some(({ from, to }) => at >= from && at < to);
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const { archive } = await storedArchive(flipped(bytes, at, at % 8));
      const { error, tree } = await membersOf(archive, [wanted]);
      if (error === undefined) assert.deepEqual(tree, { [wanted]: contents[wanted] }, `${at}`);
      else refused += 1;
      if (within(at, own) || within(at, records)) assert.ok(error, `flipped at ${at}`);
    }
    assert.ok(refused > 1000);
  });

  it('is refused when it is cut at any byte', async () => {
    const bytes = await writeArchive(samples);
    for (let length = 100; length < bytes.length; length += 1) {
      const { archive } = await storedArchive(bytes.subarray(0, length));
      const error = await failureOf(async () => {
        const { error: fault } = await membersOf(archive, [wanted]);
        throw fault ?? new Error(`cut at ${length}`);
      });
      assert.ok(['incomplete', 'corrupt', 'failed'].includes(error.code), error.message);
    }
  });
});

describe('a forged index', () => {
  /** Changes the entry of `db/t.ibd`. */
  const refuses = async (change: (entry: MemberEntry) => Partial<MemberEntry>, message: RegExp) => {
    const bytes = assemble(samples, {
      index: (members) =>
        members.flatMap((entry) =>
          entry.path === 'db/t.ibd' ? { ...entry, ...change(entry) } : entry,
        ),
    });
    const { archive } = await storedArchive(bytes);
    const { error } = await membersOf(archive, ['**']);
    assert.equal(error?.code, 'corrupt');
    assert.match(error.message, message);
  };
  const [offset, length, from, crc] = [0, 1, 2, 3];
  const shift =
    (which: number, by: number) =>
    ({ chunks }: MemberEntry): Partial<MemberEntry> => ({
      chunks: chunks.map((number, i) => (i === which ? number + by : number)),
    });

  it('leads nowhere', async () => {
    await refuses(() => ({ path: '../t.ibd' }), /leaves its directory/);
    await refuses(() => ({ path: '/t.ibd' }), /is absolute/);
    await refuses(() => ({ path: './t.ibd' }), /or not as we write it/);
    await refuses(() => ({ path: 'ibdata1' }), /ibdata1 of the index: it is listed twice/);
    await refuses(shift(offset, -60), /overlaps another/);
    await refuses(shift(offset, 1e6), /too far behind/);
    await refuses(shift(offset, 1), /no chunk starts here/);
    await refuses(shift(length, 1), /not the one in the index/);
    await refuses(shift(length, 1e12), /too far behind|overlaps/);
    await refuses(shift(crc, 1), /not the one in the index/);
    await refuses(shift(from, 1), /not the one in the index|goes on at/);
    await refuses(() => ({ path: 'db/u.ibd' }), /not the one in the index/);
    await refuses(({ size }) => ({ size: size + 1 }), /goes on at 5 instead of 4/);
    await refuses(() => ({ chunks: [] }), /goes on at 4 instead of 0/);
    await refuses(() => ({ digests: ['ab'.repeat(32)] }), /has not the SHA-256 of the index/);
  });
});
