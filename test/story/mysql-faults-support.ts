// What the fault tests of MySQL share: an account of the tool's own, and what others hold.

import { setTimeout as sleep } from 'node:timers/promises';

import type { Product } from '../support/programs.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { currentLsn } from '../support/workload.ts';
import { backupArgs } from './faults-support.ts';

export const product = 'mysql-9.7' satisfies Product;
export const megabyte = 1024 * 1024;

/** A server with the account that the tool uses here: its sessions are told from the test's by it. */
export async function startSource(options: readonly string[] = []): Promise<TestServer> {
  const server = await startServer({ name: 'source', product, options });
  await server.query("CREATE USER xbpipe@localhost IDENTIFIED BY ''");
  await server.query('GRANT BACKUP_ADMIN, PROCESS, RELOAD ON *.* TO xbpipe@localhost');
  await server.query('GRANT SELECT ON performance_schema.log_status TO xbpipe@localhost');
  return server;
}

/** `xbpipe backup` with that account. */
export const accountArgs = (server: TestServer, ...more: string[]): string[] =>
  backupArgs(server, '--user=xbpipe', ...more);

/** Waits until the server has written this much more redo. */
export async function untilRedo(server: TestServer, bytes: number): Promise<void> {
  const from = await currentLsn(server);
  while ((await currentLsn(server)) < from + bytes) await sleep(10);
}

/** Waits until a statement that begins so waits for what others hold. */
export async function untilWaits(server: TestServer, statement: string): Promise<void> {
  const sql =
    'SELECT 1 FROM performance_schema.processlist WHERE info LIKE ? ' +
    "AND (state LIKE 'Waiting for%')";
  while ((await server.query(sql, [`${statement}%`])).length === 0) await sleep(5);
}

/** DDL that is in progress until the returned function ends it: LOCK INSTANCE waits for it. */
export async function holdDdl(server: TestServer, table: string): Promise<() => Promise<void>> {
  const reader = await server.connect();
  await reader.query('BEGIN');
  await reader.query(`SELECT * FROM ${table} LIMIT 1`);
  const changer = await server.connect();
  const changed = changer.query(`ALTER TABLE ${table} COMMENT 'changed'`).catch(() => undefined);
  await untilWaits(server, 'ALTER TABLE');
  return async () => {
    await reader.end();
    await changed;
    await changer.end();
  };
}

/** Whether a statement waits for a lock. It is not done then. */
export async function isHeldOff(server: TestServer, sql: string): Promise<boolean> {
  const session = await server.connect();
  const ended = session.query(sql).then(
    () => true,
    () => true,
  );
  const waits = 'SELECT id FROM performance_schema.processlist WHERE info = ? AND state LIKE ?';
  for (;;) {
    const [row] = await server.query(waits, [sql, 'Waiting for%']);
    if (row) await server.query(`KILL ${Number(row['id'])}`);
    if (row || (await Promise.race([ended, sleep(5, false)]))) {
      await ended;
      session.destroy();
      return row !== undefined;
    }
  }
}
