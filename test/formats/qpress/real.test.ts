import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { QpressDecoder } from '../../../formats/qpress/index.ts';
import { findProgram, leftOut, type Product } from '../../support/programs.ts';
import { scratchDir } from '../../support/scratch.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const run = promisify(execFile);

const statements = [
  'CREATE DATABASE d',
  'USE d',
  'CREATE TABLE d.pages (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(80), b CHAR(64)) ENGINE=InnoDB',
  `INSERT INTO d.pages (a, b) SELECT CONCAT('user', seq * 7919 % 9973, '@example.com'),
     SHA2(seq, 256) FROM seq_1_to_20000`,
  'CREATE TABLE d.empty (a INT) ENGINE=MyISAM',
  'CREATE TABLE d.rows (a INT, s TEXT) ENGINE=MyISAM',
  `INSERT INTO d.rows SELECT seq, REPEAT('text ', seq % 60) FROM seq_1_to_5000`,
  'CREATE TABLE d.noise (b LONGBLOB) ENGINE=MyISAM',
  'SET SESSION group_concat_max_len = 1000000',
  `INSERT INTO d.noise SELECT GROUP_CONCAT(UNHEX(SHA2(seq, 256)) SEPARATOR '')
     FROM seq_1_to_9000`,
  'CREATE TABLE d.listing (a INT NOT NULL, s VARCHAR(100) NOT NULL) ENGINE=CSV',
  `INSERT INTO d.listing SELECT seq, CONCAT('line number ', seq % 700) FROM seq_1_to_9000`,
  'FLUSH TABLES',
  'SET GLOBAL innodb_log_checkpoint_now = 1',
];

/** One byte, zeros, and lengths around the border between the two packet headers. */
const made: readonly [string, Uint8Array][] = [
  ['byte.TRG', Uint8Array.of(0x78)],
  ['zeros.TRG', new Uint8Array(300_000)],
  ...[214, 215, 216, 217].map((length): [string, Uint8Array] => [
    `text${length}.TRG`,
    Uint8Array.from({ length }, (_, at) => 97 + (at % 7)),
  ]),
  ...[100, 215, 216, 65_535, 65_536, 65_537].map((length): [string, Uint8Array] => [
    `noise${length}.TRG`,
    Uint8Array.from({ length }, (_, at) => (Math.imul(at + 1, 0x9e3779b1) >>> 13) & 0xff),
  ]),
];

/** What a decoder makes of a file that is read in pieces. */
async function unpack(path: string): Promise<{ name: string; bytes: Buffer }> {
  const decoder = new QpressDecoder();
  const parts: Uint8Array[] = [];
  for await (const piece of createReadStream(path, { highWaterMark: 50_000 })) {
    decoder.push(piece as Buffer);
    for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
      parts.push(block.bytes);
    }
  }
  decoder.end();
  return { name: Buffer.from(decoder.name ?? []).toString(), bytes: Buffer.concat(parts) };
}

const options = (server: TestServer): string[] => [
  '--no-defaults',
  '--backup',
  '--user=root',
  `--socket=${server.socket}`,
];

/** A compressed backup, extracted: `mariadb-backup --compress --stream=xbstream | mbstream -x`. */
async function backUpPacked(server: TestServer, dir: string): Promise<void> {
  const names = ['mariadb-backup', 'mbstream'] as const;
  const [tool, extract] = names.map((name) => findProgram(name, server.product));
  const script = 'dir=$1 tool=$2 extract=$3; shift 3; "$tool" "$@" | "$extract" -x -C "$dir"';
  const rest = [...options(server), '--compress', '--stream=xbstream'];
  await run('bash', [
    '-o',
    'pipefail',
    '-c',
    script,
    'bash',
    dir,
    tool ?? '',
    extract ?? '',
    ...rest,
  ]);
}

async function backUpPlain(server: TestServer, dir: string): Promise<void> {
  const tool = findProgram('mariadb-backup', server.product);
  await run(tool, [...options(server), `--target-dir=${dir}`]);
}

/** A server that has written everything and has nothing left to purge, so that its files rest. */
async function quietServer(product: Product): Promise<TestServer> {
  const filling = await startServer({
    name: 'filled',
    product,
    options: ['--innodb-fast-shutdown=0'],
  });
  for (const statement of statements) await filling.query(statement);
  await filling.stop();
  // A backup takes along what has the name of a trigger file, and does not look into it.
  for (const [name, bytes] of made) writeFileSync(join(filling.datadir, 'd', name), bytes);
  return await startServer({ name: 'quiet', product, datadir: filling.datadir });
}

const membersOf = (dir: string): string[] =>
  readdirSync(dir, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.qp'))
    .map((path) => path.slice(0, -'.qp'.length));

/** What a server at rest writes all the same, and what tells of the backup itself. */
const moves =
  /^(ib_logfile0|ibdata1|undo\d+|aria_log.*|mysql\/(innodb|gtid|transaction).*|(xtrabackup|mariadb_backup)_info)$/u;

for (const product of ['mariadb-10.11', 'mariadb-11.8'] as const) {
  describe(`the compressed backups of ${product}`, { skip: leftOut(product) }, () => {
    let packed = '';
    let plain = '';
    let datadir = '';
    before(async () => {
      const server = await quietServer(product);
      datadir = server.datadir;
      packed = scratchDir('packed');
      plain = scratchDir('plain');
      await backUpPacked(server, packed);
      await backUpPlain(server, plain);
      await server.stop();
    });

    it('come back equal to those that are not compressed, member by member', async () => {
      const members = membersOf(packed);
      assert.ok(members.length > 150, `only ${members.length} members`);
      for (const member of members) {
        const { name, bytes } = await unpack(join(packed, `${member}.qp`));
        assert.equal(name, basename(member));
        if (moves.test(member)) continue;
        assert.ok(bytes.equals(readFileSync(join(plain, member))), `${member} differs`);
      }
    });

    it("come back equal to the server's own files, of every engine", async () => {
      const members = membersOf(join(packed, 'd'));
      const wanted = made.map(([name]) => name);
      wanted.push('pages.ibd', 'empty.MYD', 'rows.MYD', 'noise.MYD', 'listing.CSV', 'pages.frm');
      for (const name of wanted) assert.ok(members.includes(name), `${name} is not in the backup`);
      for (const member of members) {
        const { bytes } = await unpack(join(packed, 'd', `${member}.qp`));
        assert.ok(bytes.equals(readFileSync(join(datadir, 'd', member))), `${member} differs`);
      }
    });
  });
}
