import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { leftOut } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import type { TestServer } from '../support/server.ts';
import { runTool, type ToolResult } from '../support/tool.ts';
import { assertFailed, assertServerFree, holdLongWrite, namesIn } from './faults-support.ts';
import { accountArgs, holdDdl, product, startSource } from './mysql-faults-support.ts';

describe('a backup of MySQL', { skip: leftOut(product) }, () => {
  let server: TestServer;
  before(async () => {
    server = await startSource();
    await server.query('CREATE DATABASE d');
    await server.query('CREATE TABLE d.innodb (a INT PRIMARY KEY)');
    await server.query('CREATE TABLE d.slow (a INT) ENGINE=MyISAM');
  });

  /** Backs up into a new directory. */
  const backUp = async (
    of: TestServer,
    ...args: string[]
  ): Promise<{ result: ToolResult; left: string[] }> => {
    const directory = join(scratchDir('target'), 'new');
    const result = await runTool(accountArgs(of, `--target-dir=${directory}`, ...args));
    return { result, left: namesIn(directory) };
  };

  it('ends with status 12 when DDL that is in progress does not end in time', async () => {
    const letGo = await holdDdl(server, 'd.innodb');
    const { result, left } = await backUp(server, '--lock-ddl-timeout=1');
    const { message, hint } = assertFailed(result, 12, 'lock');
    assert.match(message ?? '', /^LOCK INSTANCE FOR BACKUP: Lock wait timeout exceeded/u);
    assert.match(hint ?? '', /SHOW PROCESSLIST and --lock-ddl-timeout/u);
    assert.deepEqual(left, []);
    await letGo();
    await assertServerFree(server);
  });

  it('ends with status 12 when a write to a MyISAM table does not end in time', async () => {
    const letGo = await holdLongWrite(server, 'd.slow');
    const { result, left } = await backUp(server, '--lock-ddl-timeout=1');
    const { message } = assertFailed(result, 12, 'lock');
    assert.match(message ?? '', /^FLUSH .*TABLES.*: Lock wait timeout exceeded/u);
    assert.deepEqual(left, []);
    await letGo();
    await assertServerFree(server);
  });

  it('does not mind another one who holds the backup lock, or all writers off', async () => {
    const session = await server.connect();
    for (const lock of ['LOCK INSTANCE FOR BACKUP', 'FLUSH TABLES WITH READ LOCK']) {
      await session.query(lock);
      const { result, left } = await backUp(server, '--lock-ddl-timeout=1');
      assert.equal(result.status, 0, result.stderr);
      assert.ok(left.includes('mysql.ibd'));
    }
    await session.end();
    await assertServerFree(server);
  });

  it('cannot let DDL go on, and refuses to be asked for it', async () => {
    const { result, left } = await backUp(server, '--lock-ddl=REDUCED');
    const { message, hint } = assertFailed(result, 2, 'usage');
    assert.match(message ?? '', /^MySQL needs --lock-ddl=ON/u);
    assert.match(hint ?? '', /leave --lock-ddl out/u);
    assert.doesNotMatch(result.stderr, /backup lock/u);
    assert.deepEqual(left, []);
    assert.equal((await backUp(server, '--lock-ddl=ON')).result.status, 0);
  });

  it('says what it does not find in another data directory', async () => {
    const elsewhere = scratchDir('elsewhere');
    const { result, left } = await backUp(server, `--datadir=${elsewhere}`);
    const { message } = assertFailed(result, 10, 'access');
    assert.match(message ?? '', /#innodb_redo: no such file or directory/u);
    assert.deepEqual(left, []);
    await assertServerFree(server);
  });

  it('is refused where performance_schema is off, which alone tells the position', async () => {
    const off = await startSource(['--performance-schema=OFF']);
    const { result, left } = await backUp(off);
    const { message, hint } = assertFailed(result, 1, 'failed');
    assert.equal(message, 'the server runs without performance_schema');
    assert.match(hint ?? '', /performance_schema=ON/u);
    assert.doesNotMatch(result.stderr, /backup lock/u);
    assert.deepEqual(left, []);
    await off.stop();
  });
});
