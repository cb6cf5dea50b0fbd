// The places where a backup of MariaDB and one of MySQL can be interrupted, by one set of names.

import assert from 'node:assert/strict';

import { dialectOf } from '../support/dialect.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { HeldBackup, backupArgs, untilWaitsForLock } from './faults-support.ts';
import { innodbBytes } from './held-backup.ts';
import {
  accountArgs,
  holdDdl,
  isHeldOff,
  startSource,
  untilWaits,
} from './mysql-faults-support.ts';

export interface Interruption {
  /** A server with more data in InnoDB, and in MyISAM, than fits between the tool and its reader. */
  readonly start: () => Promise<TestServer>;
  /** `xbpipe backup` of it. */
  readonly args: (server: TestServer, ...more: string[]) => string[];
  /** Keeps the first lock from a backup until the returned function is called. */
  readonly holdFirstLock: (server: TestServer) => Promise<() => Promise<void>>;
  /** Waits until a backup waits for a lock: its first, or the one that it takes when it has copied InnoDB. */
  readonly untilWaits: (server: TestServer, lock: 'first' | 'second') => Promise<void>;
  /** A backup that is in the middle of the InnoDB files. */
  readonly holdInCopy: (server: TestServer) => Promise<HeldBackup>;
  /** A backup that is in the middle of the other files, with the second lock. */
  readonly holdInOthers: (server: TestServer) => Promise<HeldBackup>;
}

/** More than the copy threads' buffers, the pipe and what was read: nobody gets through unread. */
const rowsOfBigTables = 14_000;
const bytesInCopy = 300_000;

async function fill(server: TestServer): Promise<TestServer> {
  await server.query('CREATE DATABASE d');
  for (const engine of ['InnoDB', 'MyISAM']) {
    await server.query(
      `CREATE TABLE d.big_${engine} (a INT PRIMARY KEY, b CHAR(200) DEFAULT 'b', c CHAR(200), ` +
        `d CHAR(200), e CHAR(200), f CHAR(200)) ENGINE=${engine} CHARACTER SET latin1 ` +
        'ROW_FORMAT=DYNAMIC',
    );
    await server.query(
      `INSERT INTO d.big_${engine} SELECT seq, 'b', 'c', REPEAT('d', 200), REPEAT('e', 200), ` +
        `REPEAT('f', 200) FROM ${dialectOf(server).numbers(rowsOfBigTables, 'd')}`,
    );
  }
  await server.query('CREATE TABLE d.slow (a INT) ENGINE=MyISAM');
  await server.query('CREATE TABLE d.changed (a INT)');
  await server.query('CREATE TABLE d.commits (a INT)');
  return server;
}

async function ddlIsBlocked(server: TestServer): Promise<boolean> {
  const session = await server.connect();
  await session.query('SET lock_wait_timeout = 0');
  const blocked = await session.query('CREATE TABLE d.other (a INT)').then(
    () => false,
    () => true,
  );
  await session.end();
  return blocked;
}

const mariadb: Interruption = {
  start: async () =>
    await fill(await startServer({ name: 'source', options: ['--innodb-log-file-size=32M'] })),
  args: backupArgs,
  holdFirstLock: async (server) => {
    const other = await server.connect();
    await other.query('LOCK TABLES d.slow WRITE');
    return async () => {
      await other.end();
    };
  },
  untilWaits: untilWaitsForLock,
  holdInCopy: async (server) => {
    const held = await HeldBackup.start(backupArgs(server));
    await held.read(bytesInCopy);
    return held;
  },
  holdInOthers: async (server) => {
    const held = await HeldBackup.start(backupArgs(server, '--parallel=1'));
    await held.readUntilTold(/other files/);
    assert.equal(await ddlIsBlocked(server), true);
    return held;
  },
};

const mysql: Interruption = {
  start: async () => await fill(await startSource(['--innodb-redo-log-capacity=64M'])),
  args: accountArgs,
  holdFirstLock: async (server) => await holdDdl(server, 'd.changed'),
  untilWaits: async (server, lock) => {
    await untilWaits(server, lock === 'first' ? 'LOCK INSTANCE' : 'FLUSH');
  },
  holdInCopy: async (server) => {
    const held = await HeldBackup.start(accountArgs(server));
    await held.read(bytesInCopy);
    assert.equal(await isHeldOff(server, 'CREATE DATABASE other'), true);
    return held;
  },
  holdInOthers: async (server) => {
    const held = await HeldBackup.start(accountArgs(server, '--parallel=1'));
    await held.read(Math.floor(0.9 * (await innodbBytes(server, 0))));
    await held.readUntilTold(/copying \d+ other files/u);
    assert.equal(await isHeldOff(server, 'INSERT INTO d.commits VALUES (1)'), true);
    return held;
  },
};

/** By the products that they are tested with. */
export const interruptions = { 'mariadb-10.11': mariadb, 'mysql-9.7': mysql };
