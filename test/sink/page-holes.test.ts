import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { extract } from '../../src/restore/extract.ts';
import { MemberFiles } from '../../src/sink/member-files.ts';
import { PageHoles } from '../../src/sink/page-holes.ts';
import { StagedDirectory } from '../../src/sink/staged-directory.ts';
import { key, writeEncoded } from '../archive/encrypted-support.ts';
import { sourceOf } from '../archive/support.ts';
import { vector } from '../formats/innodb/vectors.ts';
import { text } from '../formats/xbstream/support.ts';
import { leftOut, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';

interface Table {
  bytes: Buffer;
  /** Disk blocks of 512 bytes. */
  blocks: number;
}

/** Has a server make tables of these options and gives their files, all pages written. */
async function tablesOf(
  product: Product,
  serverOptions: readonly string[],
  ...tableOptions: readonly string[]
): Promise<Table[]> {
  const server = await startServer({ name: 'holes', product, options: serverOptions });
  await server.query('CREATE DATABASE v');
  for (const [i, options] of tableOptions.entries()) {
    await server.query(`CREATE TABLE v.t${i} (k INT PRIMARY KEY, a VARCHAR(3000)) ${options}`);
    const rows = Array.from({ length: 1500 }, (_, k) => `(${k}, REPEAT('row ${k} ', 250))`);
    await server.query(`INSERT INTO v.t${i} VALUES ${rows.join()}`);
  }
  await server.query('SET GLOBAL innodb_fast_shutdown = 0');
  await server.stop();
  return tableOptions.map((_, i) => {
    const path = join(server.datadir, 'v', `t${i}.ibd`);
    return { bytes: readFileSync(path), blocks: statSync(path).blocks };
  });
}

/** The bytes as a member of this name, written in pieces: what lies on the disk then. */
async function written(path: string, bytes: Uint8Array, pieceBytes: number): Promise<Table> {
  const directory = await StagedDirectory.create(scratchDir('holes'), { empty: true });
  const files = new MemberFiles(directory);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await files.write(path, at, bytes.subarray(at, at + pieceBytes));
  }
  await files.close(path, bytes.length);
  await files.settle();
  const place = join(directory.stage, path);
  return { bytes: readFileSync(place), blocks: statSync(place).blocks };
}

const wholeBlocks = (bytes: Uint8Array): number => bytes.length / 512;

for (const [product, name, serverOptions, tableOptions] of [
  [
    'mariadb-10.11',
    'MariaDB, full_crc32',
    ['--innodb-checksum-algorithm=full_crc32'],
    'PAGE_COMPRESSED=1',
  ],
  ['mariadb-10.11', 'MariaDB, crc32', ['--innodb-checksum-algorithm=crc32'], 'PAGE_COMPRESSED=1'],
  ['mysql-9.7', 'MySQL', [], "COMPRESSION='zlib'"],
] as const) {
  describe(`a page-compressed table of ${name}`, { skip: leftOut(product) }, () => {
    let packed: Table;
    let plain: Table;

    before(async () => {
      const made = await tablesOf(product, serverOptions, tableOptions, '');
      assert.ok(made[0] && made[1]);
      [packed, plain] = made;
      // Else this says nothing: the file system must make holes.
      assert.ok(packed.blocks < wholeBlocks(packed.bytes) * 0.8, `${packed.blocks} blocks`);
    });

    it('comes back with its bytes and its holes, whatever the pieces', async () => {
      for (const pieceBytes of [packed.bytes.length, 2 ** 20, 16384, 4096, 1_000_003]) {
        const { bytes, blocks } = await written('v/t.ibd', packed.bytes, pieceBytes);
        assert.ok(bytes.equals(packed.bytes), `${pieceBytes}`);
        // A piece that ends inside of a page may cost a page's holes.
        const most = packed.blocks * 1.05 + 64;
        assert.ok(blocks <= most, `${blocks} of ${packed.blocks}, pieces of ${pieceBytes}`);
      }
    });

    it('comes back with its bytes from pieces that no block fits in', async () => {
      for (const pieceBytes of [10_007, 777]) {
        const { bytes } = await written('v/t.ibd', packed.bytes, pieceBytes);
        assert.ok(bytes.equals(packed.bytes), `${pieceBytes}`);
      }
    });

    it('comes back with its holes out of an archive that is compressed and encrypted', async () => {
      const pieces = [0, 1, 2, 3, 4].map((i) =>
        packed.bytes.subarray(i * 2 ** 20, (i + 1) * 2 ** 20),
      );
      pieces.push(packed.bytes.subarray(5 * 2 ** 20));
      const archive = await writeEncoded(
        [['v/t.ibd', ...pieces.filter(({ length }) => length > 0)]],
        {
          compression: { algorithm: 'zstd', level: 1 },
          encryption: { algorithm: 'AES256', key, chunkBytes: 65536 },
          digests: true,
        },
      );
      const directory = await StagedDirectory.create(scratchDir('holes'), { empty: true });
      const decoding = { decompress: true, key };
      await extract(sourceOf(archive, 256 * 1024), directory, { decoding, key });
      const place = join(directory.stage, 'v/t.ibd');
      assert.ok(readFileSync(place).equals(packed.bytes));
      const { blocks } = statSync(place);
      assert.ok(blocks <= packed.blocks * 1.1 + 64, `${blocks} of ${packed.blocks}`);
    });

    it('is written whole under another name, and so is an ordinary table', async () => {
      for (const path of ['v/t.MYD', 'ibdata1', 't.ibd.old', 'v/t.ibd/x']) {
        const { bytes, blocks } = await written(path, packed.bytes, 2 ** 20);
        assert.ok(bytes.equals(packed.bytes));
        assert.ok(blocks >= wholeBlocks(packed.bytes), path);
      }
      const { bytes, blocks } = await written('v/t.ibd', plain.bytes, 2 ** 20);
      assert.ok(bytes.equals(plain.bytes));
      assert.ok(blocks >= wholeBlocks(plain.bytes));
    });
  });
}

describe('the holes of a tablespace', () => {
  const header = vector('full-crc32-16k-header').page();
  const compressed = vector('full-crc32-16k-zlib').page();
  const leaf = vector('full-crc32-16k-leaf').page();
  const zeros = Buffer.alloc(16384);
  const size = header.length;

  /** Positions and lengths of what is written. */
  const runsOf = (bytes: Uint8Array, path = 't.ibd'): [number, number][] | undefined => {
    const holes = PageHoles.of(path, bytes);
    return holes && [...holes.runs(0, bytes)].map((run) => [run.position, run.bytes.length]);
  };

  it('are the blocks of zeros behind compressed data, and no other zeros', () => {
    const data = compressed.findLastIndex((byte) => byte !== 0) + 1;
    const used = Math.ceil(data / 4096) * 4096;
    assert.ok(used < size);
    const file = Buffer.concat([header, compressed, leaf, zeros, compressed]);
    assert.deepEqual(runsOf(file), [
      [0, size + used],
      [2 * size, 2 * size + used],
    ]);
  });

  it('are unwritten pages as well where the flags of MariaDB tell of page compression', () => {
    const first = Buffer.from(header);
    first.writeUInt32BE(vector('full-crc32-16k-zlib').flags, 54);
    const file = Buffer.concat([first, zeros, leaf, zeros, zeros]);
    assert.deepEqual(runsOf(file), [
      [0, size],
      [2 * size, size],
    ]);
  });

  it('are none where the first page does not tell of a tablespace with large enough pages', () => {
    assert.equal(PageHoles.of('t.ibd', new Uint8Array(0)), undefined);
    assert.equal(PageHoles.of('t.ibd', new Uint8Array(20)), undefined);
    assert.equal(PageHoles.of('t.ibd', zeros), undefined);
    assert.equal(PageHoles.of('t.ibd', text('something else'.repeat(1000))), undefined);
    assert.equal(PageHoles.of('t.ibd', header.subarray(0, 50)), undefined);
    assert.equal(PageHoles.of('t.ibd', vector('full-crc32-dynamic-header').page()), undefined);
    assert.equal(runsOf(header, 't.ibd.new')?.length, 1);
  });

  it('have all other bytes written, in order, whatever the pieces', () => {
    const file = Buffer.concat([header, compressed, leaf, compressed, zeros]);
    for (const pieceBytes of [1, 25, 26, 4095, 4097, 16384, 20_000]) {
      const holes = PageHoles.of('t.ibd', file);
      const copy = Buffer.alloc(file.length);
      let end = 0;
      for (let at = 0; at < file.length; at += pieceBytes) {
        for (const run of holes?.runs(at, file.subarray(at, at + pieceBytes)) ?? []) {
          assert.ok(run.position >= end && run.bytes.length > 0);
          copy.set(run.bytes, run.position);
          end = run.position + run.bytes.length;
        }
      }
      assert.ok(copy.equals(file), `${pieceBytes}`);
    }
  });
});
