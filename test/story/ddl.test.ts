// Schema changes at a known place of the copy: after the large tables were read and before the
// small ones, with the backup's reader standing still in between.

import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Connection } from 'mysql2/promise';

import { findProgram, leftOut, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runShell } from '../support/tool.ts';
import { innodbBytes, startHeldBackup, stateBefore } from './held-backup.ts';
import { proveWaysBack } from './ways-back.ts';

const columns = 'id INT AUTO_INCREMENT PRIMARY KEY, k INT, b BLOB';
/** Files of this size are copied before the reader stands still. */
const largeBytes = 400_000;

async function run(
  server: { query(sql: string): Promise<unknown> },
  statements: readonly string[],
): Promise<void> {
  for (const sql of statements) await server.query(sql);
}

const rows = { large: 400, filling: 150, small: 40 };

/** A table that is copied before the reader stands still (`large`), or after (`small`). */
const make = (name: string, size: keyof typeof rows, engine = 'InnoDB'): string[] => [
  `CREATE TABLE ${name} (${columns}) ENGINE=${engine}`,
  `INSERT INTO ${name} (k, b) SELECT seq, REPEAT(MD5(seq), 30) FROM seq_1_to_${rows[size]}`,
];

const names = [
  'dropped',
  'renamed',
  'moved',
  'a',
  'b',
  'truncated',
  'rebuilt',
  'replaced',
  'swapped',
];

/** Every change comes to a table that was copied (`l_`) and to one that was not yet (`s_`). */
const before: readonly string[] = [
  'CREATE DATABASE ddl',
  'CREATE DATABASE going',
  'CREATE DATABASE target_db',
  'USE ddl',
  ...names.flatMap((name) => [...make(`l_${name}`, 'large'), ...make(`s_${name}`, 'small')]),
  // What the copy threads hold in their hands when the reader stands still.
  ...[1, 2, 3, 4, 5, 6].flatMap((n) => make(`filling_${n}`, 'filling')),
  ...make('l_chain', 'large'),
  ...make('takes_name', 'large'),
  `CREATE TABLE parts (${columns}) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (500), ` +
    'PARTITION p1 VALUES LESS THAN (1000), PARTITION p2 VALUES LESS THAN (2000))',
  'INSERT INTO parts (k, b) SELECT seq, REPEAT(MD5(seq), 30) FROM seq_1_to_1500',
  ...make('exchanged', 'large'),
  `CREATE TABLE words (${columns}, t TEXT, FULLTEXT KEY (t))`,
  'INSERT INTO words (k, t) SELECT seq, MD5(seq) FROM seq_1_to_50',
  ...make('aria_one', 'small', 'Aria TRANSACTIONAL=1'),
  ...make('aria_two', 'small', 'Aria TRANSACTIONAL=1'),
  ...make('myisam_one', 'small', 'MyISAM'),
  'USE going',
  ...make('l_gone', 'large'),
  ...make('s_gone', 'small'),
  ...make('m_gone', 'small', 'MyISAM'),
];

const meanwhile: readonly string[] = [
  ...make('created', 'small'),
  'CREATE TABLE created_empty (id INT PRIMARY KEY)',
  `CREATE TABLE created_packed (${columns}) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=4`,
  'INSERT INTO created_packed SELECT * FROM created',
  ...['l', 's'].flatMap((p) => [
    `DROP TABLE ${p}_dropped`,
    `RENAME TABLE ${p}_renamed TO ${p}_renamed_1, ${p}_renamed_1 TO ${p}_renamed_2`,
    `INSERT INTO ${p}_renamed_2 (k) VALUES (1)`,
    `RENAME TABLE ${p}_moved TO target_db.${p}_moved`,
    `UPDATE target_db.${p}_moved SET k = k + 1`,
    `RENAME TABLE ${p}_a TO between_, ${p}_b TO ${p}_a, between_ TO ${p}_b`,
    `INSERT INTO ${p}_a (k) VALUES (2)`,
    `TRUNCATE TABLE ${p}_truncated`,
    `INSERT INTO ${p}_truncated (k) VALUES (3)`,
    `ALTER TABLE ${p}_rebuilt FORCE, ALGORITHM=INPLACE`,
    `OPTIMIZE TABLE ${p}_rebuilt`,
    `INSERT INTO ${p}_rebuilt (k) VALUES (4)`,
    `CREATE OR REPLACE TABLE ${p}_replaced (id INT PRIMARY KEY)`,
    `INSERT INTO ${p}_replaced VALUES (5)`,
  ]),
  // A dropped table's name goes to another, whose own name goes to a new one.
  'RENAME TABLE l_chain TO l_dropped',
  ...make('l_chain', 'small'),
  // The same with a table that had no page 0 in its file when it was copied.
  'RENAME TABLE young TO grown, takes_name TO young',
  // What was copied is found once more under the name of what was not.
  'RENAME TABLE l_swapped TO between_, s_swapped TO l_swapped, between_ TO s_swapped',
  'DROP DATABASE going',
  'CREATE DATABASE coming',
  'USE coming',
  ...make('innodb', 'small'),
  ...make('myisam', 'small', 'MyISAM'),
  ...make('aria', 'small', 'Aria'),
  'USE ddl',
  'ALTER TABLE parts ADD PARTITION (PARTITION p3 VALUES LESS THAN (9000))',
  'INSERT INTO parts (id, k) VALUES (4000, 1)',
  'ALTER TABLE parts DROP PARTITION p1',
  'ALTER TABLE parts EXCHANGE PARTITION p0 WITH TABLE exchanged',
  'ALTER TABLE words ADD COLUMN more INT, FORCE',
  'DROP INDEX t ON words',
  'CREATE FULLTEXT INDEX again ON words (t)',
  ...make('aria_new', 'small', 'Aria TRANSACTIONAL=1'),
  'RENAME TABLE aria_new TO aria_newer',
  'RENAME TABLE aria_one TO aria_x, aria_two TO aria_one, aria_x TO aria_two',
  'ALTER TABLE myisam_one ENGINE=InnoDB',
];

/**
 * A prepared transaction that came through a restart holds its row and no lock on its table: a
 * copying ALTER TABLE that adds a foreign key to that row stands still in the middle.
 */
const gate = (name: string): string[] => [
  `CREATE TABLE ${name}_parent (id INT PRIMARY KEY, k INT)`,
  `INSERT INTO ${name}_parent VALUES (1, 1), (2, 2)`,
  `CREATE TABLE ${name}_child (${columns}, parent INT)`,
  `INSERT INTO ${name}_child (k, b, parent) ` +
    'SELECT seq, REPEAT(MD5(seq), 4), 1 + (seq = 2000) FROM seq_1_to_3000',
  `XA START '${name}'`,
  `UPDATE ${name}_parent SET k = k + 1 WHERE id = 2`,
  `XA END '${name}'`,
  `XA PREPARE '${name}'`,
];

interface Alter {
  open(): Promise<void>;
  kill(): Promise<void>;
}

/** Returns when the ALTER TABLE stands at its gate. */
async function startAlter(server: TestServer, name: string): Promise<Alter> {
  const session = await server.connect({ database: 'ddl' });
  // 11.8 looks at snapshots where 10.11 does not, and then refuses the second of these statements.
  await session.query('SET innodb_lock_wait_timeout = 1000, innodb_snapshot_isolation = OFF');
  const end = session.query(
    `ALTER TABLE ${name}_child ADD FOREIGN KEY (parent) REFERENCES ${name}_parent (id), ` +
      'ALGORITHM=COPY',
  );
  const waits =
    "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' " +
    'AND trx_mysql_thread_id = ?';
  // The server answers from a cache that every question younger than 100 ms keeps alive.
  const stands = await stateBefore(
    end,
    async () => (await server.query(waits, [session.threadId])).length > 0,
    150,
  );
  if (!stands) await end;
  assert.ok(stands, `the ALTER TABLE of ${name}_child did not wait`);
  return {
    async open() {
      await server.query(`XA COMMIT '${name}'`);
      await end;
    },
    async kill() {
      await server.query(`KILL QUERY ${session.threadId}`);
      await assert.rejects(end, /interrupted/u);
      await server.query(`XA COMMIT '${name}'`);
    },
  };
}

/** What the stock extractor makes of an archive. */
async function listMembers(archive: string, product: Product): Promise<string[]> {
  const dir = scratchDir('listed');
  const script = '"$1" -x -C "$2" <"$3"';
  assertDone(await runShell(script, findProgram('mbstream', product), dir, archive));
  return await readdir(dir, { recursive: true });
}

const sqlFiles = (paths: string[], suffix: string): string[] =>
  paths.filter((path) => path.includes('#sql') && path.endsWith(suffix));

async function startPopulated(product: Product): Promise<TestServer> {
  const options = ['--innodb-log-file-size=64M', '--innodb-alter-copy-bulk=OFF'];
  const fresh = await startServer({ name: 'fresh', product, options });
  await run(fresh, [...before, 'USE ddl']);
  for (const name of ['early', 'middle', 'killed', 'late']) {
    await run(await fresh.connect({ database: 'ddl' }), gate(name));
  }
  await fresh.stop();
  const source = await startServer({ name: 'source', product, options, datadir: fresh.datadir });
  await source.query('USE ddl');
  return source;
}

const undoFiles = ['undo001', 'undo002', 'undo003'];

async function undoBytes({ datadir }: TestServer): Promise<number[]> {
  return await Promise.all(undoFiles.map(async (name) => (await stat(join(datadir, name))).size));
}

async function undoTruncations(server: TestServer): Promise<number> {
  const [row] = await server.query("SHOW GLOBAL STATUS LIKE 'Innodb_undo_truncations'");
  return Number(row?.['Value']);
}

/** Every undo tablespace is larger than the server wants it, and what it holds is still needed. */
async function fillUndo(source: TestServer, bytesWanted: number): Promise<Connection> {
  const reader = await source.connect();
  await reader.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  // Each transaction goes into the next one, in turn.
  for (let i = 0; (await undoBytes(source)).some((bytes) => bytes < bytesWanted); i += 1) {
    await run(source, [
      'BEGIN',
      `UPDATE t SET b = REPEAT(CHAR(${97 + (i % 26)}), 950)`,
      `UPDATE t SET b = REPEAT(CHAR(${98 + (i % 26)}), 949)`,
      'COMMIT',
    ]);
  }
  return reader;
}

for (const product of ['mariadb-10.11', 'mariadb-11.8'] as const) {
  describe(`schema changes while a backup of ${product} copies`, { skip: leftOut(product) }, () => {
    it('come back on every way, whatever their kind', async (t) => {
      const source = await startPopulated(product);
      const early = await startAlter(source, 'early');
      const middle = await startAlter(source, 'middle');
      const killed = await startAlter(source, 'killed');
      // A tablespace is recognised by its page 0, which is in the file once it was flushed.
      await source.query('SET GLOBAL innodb_log_checkpoint_now = ON');
      await run(source, make('young', 'large'));

      const backup = await startHeldBackup(t, source, await innodbBytes(source, largeBytes));
      const copied = backup.members();
      assert.equal(copied.get('ddl/l_renamed.ibd'), 'complete');
      assert.equal(copied.get('ddl/s_renamed.ibd'), undefined);
      await run(source, meanwhile);
      await middle.open();
      await killed.kill();
      const late = await startAlter(source, 'late');
      const { status, stderr } = await backup.finish();
      assert.equal(status, 0, stderr);
      await early.open();
      await late.open();

      const members = await listMembers(backup.archive, product);
      const has = (...paths: string[]): void => {
        for (const path of paths) assert.ok(members.includes(`ddl/${path}`), path);
      };
      has('l_renamed.ren', 'l_a.ren', 'l_dropped.del', 'l_rebuilt.new', 'created.new', 'young.del');
      has('l_swapped.del', 's_swapped.ibd', 'parts#P#p0.ren', 'parts#P#p1.del', 'parts#P#p3.new');
      assert.deepEqual(
        ['.ibd', '.ren', '.del', '.new'].map((suffix) => sqlFiles(members, suffix).length),
        [3, 1, 1, 1],
      );
      await proveWaysBack(t, source, backup.archive, {
        replay: true,
        async more(target) {
          const files = await readdir(target.datadir, { recursive: true });
          assert.deepEqual(sqlFiles(files, ''), []);
          assert.ok(!files.includes('going'));
        },
      });
    });
  });

  describe(`the undo tablespaces of ${product}`, { skip: leftOut(product) }, () => {
    it('may be truncated before, while and after they are copied', async (t) => {
      const options = [
        '--innodb-log-file-size=128M',
        '--innodb-buffer-pool-size=128M',
        '--innodb-undo-tablespaces=3',
        '--innodb-undo-log-truncate=ON',
        '--innodb-max-undo-log-size=10M',
      ];
      const source = await startServer({ name: 'source', product, options });
      await run(source, [
        'SET GLOBAL innodb_purge_rseg_truncate_frequency = 1',
        'CREATE DATABASE undone',
        'USE undone',
        'CREATE TABLE t (id INT PRIMARY KEY, b VARCHAR(1000) NOT NULL)',
        'INSERT INTO t SELECT seq, REPEAT(MD5(seq), 30) FROM seq_1_to_6000',
      ]);
      const reader = await fillUndo(source, 11 * 1024 ** 2);
      await source.query('SET GLOBAL innodb_log_checkpoint_now = ON');
      const grown = await undoBytes(source);
      // The largest comes first.
      const held = Math.max(...grown) + 1_000_000;
      const backup = await startHeldBackup(t, source, held, ['--parallel=1']);
      const copied = undoFiles.map((name) => backup.members().get(name));
      assert.deepEqual(copied.map(String).sort(), ['begun', 'complete', 'undefined']);

      await reader.query('COMMIT');
      const shrunk = async (): Promise<boolean> =>
        (await undoBytes(source)).every((bytes, i) => bytes < (grown[i] ?? 0));
      for (let i = 1; !(await shrunk()); i += 1) {
        await source.query('UPDATE undone.t SET b = ? WHERE id = ?', [String(i), i]);
        await sleep(20);
      }
      // A truncation is counted when it is done, after the file has shrunk.
      while ((await undoTruncations(source)) < undoFiles.length) await sleep(20);
      const { status, stderr } = await backup.finish();
      assert.equal(status, 0, stderr);
      await proveWaysBack(t, source, backup.archive, {
        replay: false,
        serverOptions: ['--innodb-undo-tablespaces=3'],
      });
    });
  });
}
