import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { LockSession } from '../../src/server/lock-session.ts';
import { flavourOf, leftOut, type Product } from '../support/programs.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { holdLongWrite } from '../story/faults-support.ts';

const holder = fileURLToPath(new URL('./hold-lock-main.js', import.meta.url));
const silentSeconds = 2;

/** Whether DDL goes through within so many seconds. */
async function ddlGoesOn(server: TestServer, seconds: number): Promise<boolean> {
  const session = await server.connect();
  await session.query(`SET lock_wait_timeout = ${seconds}`);
  const done = await session.query('CREATE DATABASE d').then(
    () => true,
    (error: { code?: string }) => {
      assert.equal(error.code, 'ER_LOCK_WAIT_TIMEOUT');
      return false;
    },
  );
  if (done) await session.query('DROP DATABASE d');
  await session.end();
  return done;
}

const products: readonly Product[] = ['mariadb-10.11', 'mysql-9.7'];
for (const product of products) {
  describe(`a lock of a backup on ${product}`, { skip: leftOut(product) }, () => {
    let server: TestServer;
    let child: ChildProcess | undefined;
    before(async () => {
      server = await startServer({ name: 'locked', product });
    });
    after(() => child?.kill('SIGKILL'));

    it('stays while the process is alive, and goes when it stands still', async () => {
      const args = [holder, flavourOf(product), server.socket, String(silentSeconds)];
      const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      child = started;
      await once(started.stdout, 'data');
      // Longer than the server lets a silent session live.
      assert.equal(await ddlGoesOn(server, 2 * silentSeconds), false);
      started.kill('SIGSTOP');
      assert.equal(await ddlGoesOn(server, 60), true);
      started.kill('SIGKILL');
    });
  });
}

describe('a wait for a lock of MySQL', { skip: leftOut('mysql-9.7') }, () => {
  const waits =
    "SELECT 1 FROM performance_schema.processlist WHERE info LIKE 'FLUSH%' AND state LIKE 'Waiting%'";

  /** A server that a session waits on for its lock, behind a long statement. */
  async function startWaiting(waitSecondsMax?: number): Promise<{
    server: TestServer;
    session: LockSession;
    letGo: () => Promise<void>;
    locked: Promise<unknown>;
  }> {
    const server = await startServer({ name: 'waiting', product: 'mysql-9.7' });
    await server.query('CREATE DATABASE d');
    await server.query('CREATE TABLE d.slow (a INT) ENGINE=MyISAM');
    await server.query('CREATE TABLE d.t (a INT)');
    const letGo = await holdLongWrite(server, 'd.slow');
    const access = { user: 'root', socket: server.socket, tls: { mode: 'disabled' } } as const;
    const session = await LockSession.open(access, { lockTimeoutSeconds: 1000, waitSecondsMax });
    const locked = session.lock('FLUSH TABLES WITH READ LOCK').catch(String);
    while ((await server.query(waits)).length === 0) await sleep(10);
    return { server, session, letGo, locked };
  }

  /** Fails when others wait for longer than so many seconds. */
  async function write(server: TestServer, seconds: number): Promise<void> {
    const writer = await server.connect();
    await writer.query(`SET lock_wait_timeout = ${seconds}`);
    await writer.query('INSERT INTO d.t VALUES (1)');
    await writer.end();
  }

  it('ends with the session that is closed, and holds nobody off any more', async () => {
    const { server, session } = await startWaiting();
    await session.close({ holds: true });
    await write(server, 30);
    assert.deepEqual(await server.query(waits), []);
    await server.kill();
  });

  it('lets others write now and then, and has its lock in the end', async () => {
    const { server, session, letGo, locked } = await startWaiting(1);
    for (let i = 0; i < 3; i += 1) await write(server, 60);
    await letGo();
    assert.equal(await locked, undefined);
    await assert.rejects(write(server, 1), { code: 'ER_LOCK_WAIT_TIMEOUT' });
    await session.close({ holds: true });
    await write(server, 60);
    await server.stop();
  });
});
