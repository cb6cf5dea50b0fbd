import assert from 'node:assert/strict';
import { cp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { dialectOf } from './dialect.ts';
import { flavourOf, leftOut, products } from './programs.ts';
import { assertSame, type BinlogPosition, checkTables, checksums, replayBinlog } from './proof.ts';
import { scratchDir } from './scratch.ts';
import { startServer, type TestServer } from './server.ts';
import { createSchema } from './workload.ts';

const currentPosition = async (server: TestServer): Promise<BinlogPosition> => {
  const [row] = await server.query<{ File: string; Position: number }>(
    dialectOf(server).binlogStatus,
  );
  assert.ok(row);
  return { file: row.File, position: row.Position };
};

for (const product of products) {
  const flavour = flavourOf(product);
  const start = async (name: string, datadir?: string): Promise<TestServer> =>
    await startServer({ name, product, ...(datadir === undefined ? {} : { datadir }) });

  /** Two servers on the same files. */
  const startTwins = async (): Promise<[TestServer, TestServer]> => {
    const source = await start('source');
    await createSchema(source, { megabytes: 1 });
    await source.stop();
    const dir = scratchDir('copy');
    await cp(source.datadir, dir, { recursive: true });
    return [await start('again', source.datadir), await start('copy', dir)];
  };

  describe(`assertSame on ${product}`, { skip: leftOut(product) }, () => {
    it('names the table that lost a row, and the index and the routine that are gone', async () => {
      const [again, copy] = await startTwins();
      await assertSame(again, copy);
      await copy.query('DELETE FROM load_main.r_compact ORDER BY id LIMIT 1');
      await assert.rejects(
        assertSame(again, copy),
        /differ in 1 places:\n {2}load_main\.r_compact: source \d+, target \d+$/u,
      );
      await copy.query('ALTER TABLE load_main.generated DROP INDEX by_v');
      await copy.query('DROP TABLE load_main.myisam');
      await copy.query('DROP FUNCTION load_main.next_of');
      await assert.rejects(assertSame(again, copy), (error: Error) => {
        assert.match(error.message, /load_main\.myisam: missing in the target/u);
        assert.match(error.message, /TABLE `load_main`\.`generated`: source/u);
        assert.match(error.message, /FUNCTION `load_main`\.`next_of`: missing in the target/u);
        return true;
      });
    });

    it('sees a row more in a table of every engine', async () => {
      const [again, copy] = await startTwins();
      const tables = ['csv', 'archive', 'merged', 'myisam', 'part_hash', 'off_page', 'r_zip4'];
      for (const table of tables) {
        await copy.query(`INSERT INTO load_main.${table} (k, a, b) VALUES (1, 'a', 'b')`);
      }
      const [ours, theirs] = [await checksums(again), await checksums(copy)];
      for (const table of tables.map((name) => `load_main.${name}`)) {
        assert.notEqual(theirs.get(table), ours.get(table), table);
      }
      assert.equal(theirs.get('load_main.r_zip8'), ours.get('load_main.r_zip8'));
    });

    it('sees a prepared transaction that the other does not have', async () => {
      const [again, copy] = await startTwins();
      const session = await copy.connect();
      await session.query("XA START 'alone'");
      await session.query('DELETE FROM load_main.notes');
      await session.query("XA END 'alone'");
      await session.query("XA PREPARE 'alone'");
      await assert.rejects(assertSame(again, copy), /differ in 1 places:\n {2}XA alone: only in/u);
      await copy.kill();
    });
  });

  describe(`checkTables on ${product}`, { skip: leftOut(product) }, () => {
    it('names a table whose file is damaged and one whose file is gone', async () => {
      const first = await start('first');
      await createSchema(first, { megabytes: 1 });
      await first.stop();
      const file = await open(join(first.datadir, 'load_main', 'myisam.MYD'), 'r+');
      await file.truncate(5000);
      await file.close();
      await rm(join(first.datadir, 'load_main', 'r_compact.ibd'));
      const second = await start('second', first.datadir);
      const faults = (await checkTables(second)).join('\n');
      assert.match(faults, /^load_main\.myisam: error/mu);
      assert.match(faults, /^load_main\.r_compact: /mu);
      assert.doesNotMatch(faults, /r_dynamic/u);
    });
  });

  describe(`replayBinlog on ${product}`, { skip: leftOut(product) }, () => {
    it('makes the target equal, and fails when it cannot take an event', async () => {
      const [source, target] = await Promise.all([start('source'), start('target')]);
      const position = await currentPosition(source);
      await source.query('CREATE DATABASE d');
      await source.query('CREATE TABLE d.t (a INT PRIMARY KEY)');
      await source.query('INSERT INTO d.t VALUES (1)');
      await assert.rejects(assertSame(source, target), /differ in/u);
      await replayBinlog(source, target, position);
      await assertSame(source, target);
      const again = replayBinlog(source, target, position);
      // Only MySQL knows what it has.
      if (flavour === 'mysql') await again;
      else await assert.rejects(again, /replay on target failed/u);
      const later = await currentPosition(source);
      await target.query('INSERT INTO d.t VALUES (2)');
      await source.query('INSERT INTO d.t VALUES (2)');
      await assert.rejects(replayBinlog(source, target, later), /replay on target failed/u);
      await assert.rejects(
        replayBinlog(source, target, { file: 'bin.000099', position: 4 }),
        /no binlog bin\.000099 on source/u,
      );
    });
  });
}

describe('assertSame on servers with GTIDs', { skip: leftOut('mysql-9.7') }, () => {
  it('names transactions that the target has the rows of but does not know as done', async () => {
    const product = 'mysql-9.7';
    const [source, target] = await Promise.all([
      startServer({ name: 'source', product }),
      startServer({ name: 'target', product }),
    ]);
    for (const server of [source, target]) await server.query('CREATE DATABASE d');
    await assert.rejects(
      assertSame(source, target),
      /differ in 1 places:\n {2}gtid_executed: missing in the target: [-0-9a-f]{36}:1$/u,
    );
  });
});
