// Transactions that stay as they are while a backup runs: open all the time, or prepared (XA) and
// left without a session. They change rows of a table that no writer of the load touches.

import type { Connection } from 'mysql2/promise';

import { dialectOf, hash, quote } from './dialect.ts';
import type { TestServer } from './server.ts';
import { mainDatabase } from './table-specs.ts';

export interface HeldOptions {
  /** Transactions kept open; none by default. */
  readonly open?: number;
  /** Transactions left prepared, as "xbpipe-1" and so on; none by default. */
  readonly prepared?: number;
}

export interface Held {
  /** Every other open transaction is committed, the rest rolled back; prepared ones stay. */
  end(): Promise<void>;
}

const table = `${quote(mainDatabase)}.held`;

/** A session of a transaction that neither locks what others add nor waits for them. */
const connect = async (server: TestServer): Promise<Connection> => {
  const session = await server.connect();
  await session.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  return session;
};

/** Rows put in, changed and taken out by one transaction, marked by `k` as its own. */
const change = async (server: TestServer, session: Connection, k: number): Promise<void> => {
  const numbers = dialectOf(server).numbers(200, mainDatabase);
  await session.query(
    `INSERT INTO ${table} (k, n, b) SELECT ${k}, seq, REPEAT(${hash('seq')}, 30) FROM ${numbers}`,
  );
  await session.query(
    `UPDATE ${table} SET b = REPEAT(${hash('n')}, 20) WHERE k = ${k} AND n BETWEEN 50 AND 99`,
  );
  await session.query(`DELETE FROM ${table} WHERE k = ${k} AND n BETWEEN 90 AND 120`);
};

// A later load, on the same server or on a copy of it, must not use a number again.
let count = 0;

/** Begins the transactions; the tables are those of `createSchema`. */
export async function holdTransactions(
  server: TestServer,
  options: HeldOptions = {},
): Promise<Held> {
  for (let i = 0; i < (options.prepared ?? 0); i += 1) {
    const session = await connect(server);
    count += 1;
    const name = `'xbpipe-${count}'`;
    await session.query(`XA START ${name}`);
    await change(server, session, count);
    await session.query(`XA END ${name}`);
    await session.query(`XA PREPARE ${name}`);
    await session.end();
  }
  const open: Connection[] = [];
  for (let i = 0; i < (options.open ?? 0); i += 1) {
    const session = await connect(server);
    count += 1;
    await session.query('BEGIN');
    await change(server, session, count);
    open.push(session);
  }
  return {
    async end() {
      for (const [i, session] of open.entries()) {
        await session.query(i % 2 === 0 ? 'COMMIT' : 'ROLLBACK');
        await session.end();
      }
    },
  };
}
