import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, before, describe, it } from 'node:test';

import type { Connection } from 'mysql2/promise';

import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool, type ToolResult } from '../support/tool.ts';
import {
  HeldBackup,
  assertFailed,
  assertServerFree,
  backupArgs,
  namesIn,
  holdLongWrite,
  untilWaitsForLock,
} from './faults-support.ts';

let server: TestServer;
before(async () => {
  server = await startServer({ name: 'source' });
  await server.query('CREATE DATABASE d');
  await server.query('CREATE TABLE d.InnoDB (a INT PRIMARY KEY) ENGINE=InnoDB');
  await server.query('CREATE TABLE d.MyISAM (a INT) ENGINE=MyISAM');
});

/** An account with these privileges and nothing else; backs up with it into a new directory. */
async function backUpAs(
  privileges: string,
  password = '',
): Promise<{ result: ToolResult; left: string[] }> {
  await server.query("CREATE OR REPLACE USER xbpipe@localhost IDENTIFIED BY 'secret'");
  if (privileges !== '') await server.query(`GRANT ${privileges} ON *.* TO xbpipe@localhost`);
  const directory = join(scratchDir('target'), 'new');
  const args = ['backup', '--no-defaults', '--json', '--user=xbpipe', `--socket=${server.socket}`];
  const result = await runTool([...args, `--target-dir=${directory}`], {
    env: { ...process.env, MYSQL_PWD: password === '' ? 'secret' : password },
  });
  return { result, left: namesIn(directory) };
}

describe('the account of a backup', () => {
  const needed = ['RELOAD', 'PROCESS', 'BINLOG MONITOR'];

  for (const missing of needed) {
    it(`without ${missing} is refused before anything is locked, with the GRANT that helps`, async () => {
      const rest = needed.filter((privilege) => privilege !== missing).join(', ');
      const { result, left } = await backUpAs(rest);
      const { message, hint } = assertFailed(result, 10, 'access');
      assert.equal(message, `'xbpipe'@'localhost' lacks ${missing}`);
      assert.equal(hint, `GRANT ${missing} ON *.* TO 'xbpipe'@'localhost';`);
      assert.doesNotMatch(result.stderr, /BACKUP STAGE/);
      assert.deepEqual(left, []);
      // What the hint says is what helps.
      await server.query(hint);
    });
  }

  it('without any privilege learns of all that are missing at once', async () => {
    const { result } = await backUpAs('');
    const { hint } = assertFailed(result, 10, 'access');
    assert.equal(hint, `GRANT ${needed.join(', ')} ON *.* TO 'xbpipe'@'localhost';`);
  });

  it('needs no more than those privileges', async () => {
    const { result, left } = await backUpAs(needed.join(', '));
    assert.equal(result.status, 0, result.stderr);
    assert.ok(left.includes('xtrabackup_checkpoints'));
    await assertServerFree(server);
  });

  it('that has privileges on one database only is not taken for one that has them all', async () => {
    const { result } = await backUpAs('SELECT');
    await server.query('GRANT ALL PRIVILEGES ON d.* TO xbpipe@localhost');
    assertFailed(result, 10, 'access');
  });

  it('with a wrong password is refused, and the password is not told', async () => {
    const { result, left } = await backUpAs(needed.join(', '), 'wr0ng-guess');
    const { message, hint } = assertFailed(result, 10, 'access');
    assert.match(message ?? '', /cannot connect to the server at .*sock as xbpipe: Access denied/);
    assert.match(hint ?? '', /--password-file/);
    assert.doesNotMatch(result.stderr, /wr0ng-guess/);
    assert.deepEqual(left, []);
  });
});

describe('a server that is not there', () => {
  it('behind a socket ends the backup with status 10 and the place', async () => {
    const socket = join(scratchDir('no-server'), 'sock');
    const args = ['backup', '--no-defaults', '--json', '--user=root', `--socket=${socket}`];
    const { message } = assertFailed(await runTool(args), 10, 'access');
    assert.match(
      message ?? '',
      new RegExp(`cannot connect to the server at ${socket} as root: .*ENOENT`),
    );
  });

  it('behind a port ends the backup with status 10 and the place', async () => {
    const args = ['backup', '--no-defaults', '--json', '--user=root', '--host=127.0.0.1'];
    // Nothing listens on the port of the discard service.
    const { message } = assertFailed(await runTool([...args, '--port=9']), 10, 'access');
    assert.match(
      message ?? '',
      /cannot connect to the server at 127\.0\.0\.1:9 as root: .*ECONNREFUSED/,
    );
  });
});

/** A session of someone else, gone whatever becomes of the test. */
const sessions: Connection[] = [];
const someone = async (): Promise<Connection> => {
  const session = await server.connect();
  sessions.push(session);
  return session;
};
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

/** A backup that waits a second for each lock, into a new directory. */
async function backUpHastily(): Promise<{ result: ToolResult; left: string[] }> {
  const directory = join(scratchDir('target'), 'new');
  const args = backupArgs(server, '--lock-ddl-timeout=1', `--target-dir=${directory}`);
  return { result: await runTool(args), left: namesIn(directory) };
}

describe('a lock that another session holds', () => {
  for (const engine of ['InnoDB', 'MyISAM']) {
    it(`on a table of ${engine} ends the backup with status 12 when it is not given up in time`, async () => {
      const session = await someone();
      await session.query(`LOCK TABLES d.${engine} WRITE`);
      const { result, left } = await backUpHastily();
      const { message, hint } = assertFailed(result, 12, 'lock');
      assert.match(message ?? '', /^BACKUP STAGE START: Lock wait timeout exceeded/);
      assert.match(hint ?? '', /SHOW PROCESSLIST and --lock-ddl-timeout/);
      assert.deepEqual(left, []);
      await session.query('UNLOCK TABLES');
      await assertServerFree(server);
    });
  }

  it('because it writes to a MyISAM table for long does so at a later stage', async () => {
    const letGo = await holdLongWrite(server, 'd.MyISAM');
    const { result, left } = await backUpHastily();
    const { message } = assertFailed(result, 12, 'lock');
    assert.match(message ?? '', /^BACKUP STAGE (FLUSH|BLOCK_DDL): Lock wait timeout exceeded/);
    assert.deepEqual(left, []);
    await letGo();
    await assertServerFree(server);
  });

  it('against all writers is no obstacle', async () => {
    const session = await someone();
    await session.query('FLUSH TABLES WITH READ LOCK');
    const { result, left } = await backUpHastily();
    assert.equal(result.status, 0, result.stderr);
    assert.ok(left.includes('ibdata1'));
  });
});

describe('two backups at once', () => {
  it('do not run side by side: the second waits, and is done after the first', async () => {
    const first = await HeldBackup.start(backupArgs(server));
    await first.read(300_000);
    const second = await HeldBackup.start(backupArgs(server));
    await untilWaitsForLock(server);
    assert.equal(second.bytes, 0);
    const [one, two] = await Promise.all([first.finish(), second.finish()]);
    assert.deepEqual([one.status, two.status], [0, 0], one.stderr + two.stderr);
    await assertServerFree(server);
  });

  it('and the second gives up with status 12 when it may not wait for long; the first goes on', async () => {
    const first = await HeldBackup.start(backupArgs(server));
    await first.read(300_000);
    const second = await runTool(
      backupArgs(server, '--lock-ddl-timeout=1', '--to=/nowhere/at/all'),
    );
    const { message } = assertFailed(second, 12, 'lock');
    assert.match(message ?? '', /^BACKUP STAGE START: Lock wait timeout exceeded/);
    const { status, stderr } = await first.finish();
    assert.equal(status, 0, stderr);
    const target = scratchDir('extracted');
    assertDone(await runTool(['extract', `--from=${first.archive}`, '-C', target]));
    await assertServerFree(server);
  });
});
