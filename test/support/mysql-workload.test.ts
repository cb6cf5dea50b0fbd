import assert from 'node:assert/strict';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { serverWithKeyring } from './keyring.ts';
import { leftOut } from './programs.ts';
import { assertSame, checkTables, replayBinlog } from './proof.ts';
import { scratchDir } from './scratch.ts';
import { startServer, type TestServer } from './server.ts';
import {
  createSchema,
  type LoadTable,
  redoFilesConsumed,
  redoTurns,
  startDdl,
  startLoad,
} from './workload.ts';

const product = 'mysql-9.7';

const untilStatements = async (counted: { statements(): number }, count: number) => {
  while (counted.statements() < count) await sleep(20);
};

/** Load and schema changes until the redo log went round and every kind of change came. */
const workOn = async (server: TestServer, tables: LoadTable[]): Promise<void> => {
  const before = await redoTurns(server);
  const load = await startLoad(server, tables);
  const ddl = await startDdl(server);
  while ((await redoTurns(server)) < before + 1.5) await sleep(20);
  await untilStatements(ddl, 100);
  await ddl.stop();
  const { commits, rollbacks } = await load.stop();
  assert.ok(commits > 0 && rollbacks > 0);
};

describe('the workload on MySQL', { skip: leftOut(product) }, () => {
  it('is the same on the copy of a killed server once the binlog is replayed', async () => {
    const source = await startServer({ name: 'source', product });
    const tables = await createSchema(source);
    await workOn(source, tables);
    const consumed = await redoFilesConsumed(source);
    // Only InnoDB and closed tables survive what comes.
    const load = await startLoad(
      source,
      tables.filter(({ transactional }) => transactional),
      { open: 2, prepared: 2 },
    );
    await source.query('FLUSH TABLES');
    await untilStatements(load, 100);
    await source.kill();
    await load.stop();
    assert.ok(consumed > 32, `${consumed} redo files`);

    const dir = scratchDir('copy');
    await cp(source.datadir, dir, { recursive: true });
    await rm(join(dir, 'auto.cnf'));
    const again = await startServer({ name: 'again', product, datadir: source.datadir });
    const copy = await startServer({ name: 'copy', product, datadir: dir });
    assert.deepEqual(await checkTables(copy), []);
    await assertSame(again, copy);
    assert.equal((await copy.query('XA RECOVER')).length, 2);

    const [first] = await again.query<{ File: string }>('SHOW BINARY LOG STATUS');
    await workOn(again, tables);
    await again.query("XA COMMIT 'xbpipe-1'");
    await assert.rejects(assertSame(again, copy), /differ in/u);
    await replayBinlog(again, copy, { file: first?.File ?? '', position: 4 });
    await assertSame(again, copy);
    assert.deepEqual(await checkTables(copy), []);
  });

  it('has encrypted tables and files outside of the data directory when asked for', async () => {
    const elsewhere = scratchDir('elsewhere');
    const file = join(scratchDir('keys'), 'keyring');
    const program = await serverWithKeyring(product, file);
    const options = [`--innodb-directories=${elsewhere}`, '--innodb-redo-log-encrypt=ON'];
    const server = await startServer({ name: 'all', product, program, options });
    const tables = await createSchema(server, { encrypted: true, elsewhere, undoElsewhere: true });
    await workOn(server, tables);
    const names = await readdir(elsewhere, { recursive: true });
    const expected = ['general_outside.ibd', 'load_main/in_folder.ibd', 'undo_outside.ibu'];
    assert.deepEqual(names.filter((name) => /\.ib[du]$/u.test(name)).sort(), expected);
    const [row] = await server.query(
      "SELECT COUNT(*) AS n FROM information_schema.innodb_tablespaces WHERE encryption = 'Y'",
    );
    assert.equal(Number(row?.['n']), 5);
    assert.deepEqual(await checkTables(server), []);
    await server.stop();
  });
});
