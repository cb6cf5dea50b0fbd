// Parents that a server has not gone on from: refused with status 40 before anything is written.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { leftOut, type Product } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool } from '../support/tool.ts';
import { assertNoIncrement, backUp } from './increment-support.ts';
import { serverOf } from './ways-back.ts';

async function startSource(product: Product, options: string[] = []): Promise<TestServer> {
  const source = await startServer({ name: 'source', product, options });
  await source.query('CREATE DATABASE d');
  await source.query('CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB)');
  await addRedo(source);
  return source;
}

async function addRedo(server: TestServer): Promise<void> {
  await server.query("INSERT INTO d.t (b) VALUES (REPEAT('x', 500000))");
}

/** A server that runs on what a backup becomes. */
async function startRestored(backup: string, product: Product): Promise<TestServer> {
  const datadir = join(scratchDir('restored'), 'data');
  const args = ['restore', '--from', backup, '--datadir', datadir];
  assertDone(await runTool([...args, '--server-binary', serverOf(product)]));
  return await startServer({ name: 'restored', product, datadir });
}

for (const product of ['mariadb-10.11', 'mariadb-11.8'] as const) {
  describe(`the lineage of increments of ${product}`, { skip: leftOut(product) }, () => {
    it('goes on over restarts and a larger redo log, and ends with a restore', async () => {
      const source = await startSource(product);
      const older = await backUp(source);
      await addRedo(source);
      const parent = await backUp(source);
      await source.query('SET GLOBAL innodb_log_file_size = 20971520');
      await addRedo(source);
      await source.stop();
      const again = await startServer({
        name: 'again',
        product,
        datadir: source.datadir,
        options: ['--innodb-log-file-size=24M'],
      });
      await addRedo(again);
      await backUp(again, '--incremental-base', parent);
      await again.stop();

      const restored = await startRestored(older, product);
      await assertNoIncrement(restored, parent, /ends at LSN \d+, and the server is at \d+/u);
      for (let n = 0; n < 3; n += 1) await addRedo(restored);
      await restored.query('SET GLOBAL innodb_log_checkpoint_now = ON');
      await assertNoIncrement(restored, parent, /restored since: its redo log begins at LSN/u);
      // What was restored goes on from its own backup.
      await backUp(restored, '--incremental-base', older);
      // Its redo log begins behind the parent then, as one that was never restored.
      await restored.query('SET GLOBAL innodb_log_file_size = 20971520');
      await assertNoIncrement(restored, parent, /restored since, from the backup [0-9a-f-]{36}/u);
      await backUp(restored, '--incremental-base', older);
      const later = await backUp(restored);
      await backUp(restored, '--incremental-base', later);
      await restored.stop();
      // The very same backup once more, up to where the first life of it was.
      const twice = await startRestored(older, product);
      for (let n = 0; n < 6; n += 1) await addRedo(twice);
      await twice.query('SET GLOBAL innodb_log_checkpoint_now = ON');
      await assertNoIncrement(twice, later, /restored since/u);
    });

    it('is that of one server, with its page size', async () => {
      const source = await startSource(product);
      const parent = await backUp(source);
      const other = await startServer({ name: 'other', product, tcp: true });
      await assertNoIncrement(other, parent, /is of server \S+, and this one is \S+/u);
      const options = ['--innodb-page-size=4k'];
      const small = await startServer({ name: 'small', product, options });
      await assertNoIncrement(small, parent, /pages have 16384 bytes, those of the server 4096/u);
    });
  });
}

const mysql = 'mysql-9.7';

describe('the lineage of increments of MySQL', { skip: leftOut(mysql) }, () => {
  it('goes on over restarts, and ends with a restore', async () => {
    const source = await startSource(mysql);
    const parent = await backUp(source);
    await addRedo(source);
    await source.stop();
    const again = await startServer({ name: 'again', product: mysql, datadir: source.datadir });
    await backUp(again, '--incremental-base', parent);
    const restored = await startRestored(parent, mysql);
    await assertNoIncrement(restored, parent, /is of server \S+, and this one is \S+/u);
  });

  it('ends where redo logging was off, even across a restart', async () => {
    const options = [`--log-error=${join(scratchDir('log'), 'error.log')}`];
    const source = await startSource(mysql, options);
    const parent = await backUp(source);
    await source.query('ALTER INSTANCE DISABLE INNODB REDO_LOG');
    await addRedo(source);
    await source.query('ALTER INSTANCE ENABLE INNODB REDO_LOG');
    const why = /redo logging was off since \(.*InnoDB redo logging is disabled.*\)/u;
    await assertNoIncrement(source, parent, why);
    // What the log says of the second in which a backup begins counts as later.
    await source.query('DO SLEEP(1)');
    const later = await backUp(source);
    await backUp(source, '--incremental-base', later);
    await source.stop();
    const { datadir } = source;
    const again = await startServer({ name: 'again', product: mysql, datadir, options });
    await assertNoIncrement(again, parent, why);
    await backUp(again, '--incremental-base', later);
  });

  it('is not that of MariaDB', { skip: leftOut('mariadb-10.11') }, async () => {
    const parent = await backUp(await startSource('mariadb-10.11'));
    const server = await startServer({ name: 'mysql', product: mysql });
    await assertNoIncrement(server, parent, /of mariadb, and the server is mysql/u);
  });

  it('cannot be told by an account that may not read the error log', async () => {
    const source = await startSource(mysql);
    const parent = await backUp(source);
    await source.query("CREATE USER 'few'@'localhost' IDENTIFIED BY 'secret'");
    await source.query("GRANT BACKUP_ADMIN, PROCESS, RELOAD ON *.* TO 'few'@'localhost'");
    await source.query("GRANT SELECT ON performance_schema.log_status TO 'few'@'localhost'");
    const path = join(scratchDir('few'), 'new');
    const take = ['backup', '--no-defaults', '--user=few', `--socket=${source.socket}`];
    const args = [...take, '--to', path, '--incremental-base', parent];
    const env = { ...process.env, MYSQL_PWD: 'secret' };
    const { status, stderr } = await runTool(args, { env });
    assert.equal(status, 10, stderr);
    const [, grant = ''] =
      /(GRANT SELECT ON performance_schema\.error_log .*);/u.exec(stderr) ?? [];
    await source.query(grant);
    assertDone(await runTool(args, { env }));
  });
});
