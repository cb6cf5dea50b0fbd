// Writers that change every table at once, without pause, until they are told to stop.

import { setTimeout as sleep } from 'node:timers/promises';

import type { Connection } from 'mysql2/promise';

import { dialectOf, hash } from './dialect.ts';
import { type HeldOptions, holdTransactions } from './held.ts';
import { insertRows, type LoadTable, payload } from './load-table.ts';
import { type Random, seededRandom } from './random.ts';
import type { TestServer } from './server.ts';

export interface LoadOptions extends HeldOptions {
  /** Connections that write at the same time; 3 by default. */
  readonly writers?: number;
  readonly seed?: number;
  /**
   * What each writer waits between two transactions, 0 by default. Without a pause the redo
   * goes round a log of 10 MB faster than a tool that looks at it once a second can read.
   */
  readonly pauseMs?: number;
}

export interface LoadStats {
  readonly statements: number;
  readonly commits: number;
  readonly rollbacks: number;
  /** Statements refused by the server for reasons that a load beside DDL must expect. */
  readonly refused: ReadonlyMap<string, number>;
  /** Redo written by the server meanwhile, in bytes; NaN when the server is gone. */
  readonly redoBytes: number;
  /** How often that goes round the server's redo log. */
  readonly redoWraps: number;
}

export interface Load {
  /**
   * Statements done so far, for waiting until the load is under way. Throws when a writer has
   * failed: who waits for more would wait for ever.
   */
  statements(): number;
  /** Redo bytes since the load began. */
  redoBytes(): Promise<number>;
  /** Ends every writer after its transaction. Throws when one ended early. */
  stop(): Promise<LoadStats>;
}

// Lock conflicts, and a table that is just now gone, renamed or changed by the DDL beside.
const expected = new Set([
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  // A deadlock about the counter.
  'ER_AUTOINC_READ_FAILED',
  'ER_CHECKREAD',
  'ER_NO_SUCH_TABLE',
  'ER_TABLE_DEF_CHANGED',
  'ER_BAD_FIELD_ERROR',
  'ER_DUP_ENTRY',
  'ER_GET_ERRNO',
]);

/** A server that the test has ended takes its sessions with it; any other end is a fault. */
export async function explain(server: TestServer, reason: unknown): Promise<void> {
  if (server.stopped && !server.crashed) return;
  const log = server.crashed ? `:\n${(await server.errorLog()).slice(-5000)}` : '';
  throw new Error(`a session of server ${server.name} failed${log}`, { cause: reason });
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** The server's current log sequence number, in bytes. */
export async function currentLsn(server: TestServer): Promise<number> {
  const [row] = await server.query('SHOW GLOBAL STATUS LIKE ?', [dialectOf(server).lsnStatus]);
  return Number(row?.['Value']);
}

class Writer {
  statements = 0;
  commits = 0;
  rollbacks = 0;
  stopping = false;
  readonly refused = new Map<string, number>();
  readonly #connection: Connection;
  readonly #random: Random;
  readonly #inTransactions: LoadTable[];
  readonly #alone: LoadTable[];
  readonly #pauseMs: number;

  constructor(connection: Connection, tables: readonly LoadTable[], seed: number, pauseMs: number) {
    this.#connection = connection;
    this.#pauseMs = pauseMs;
    this.#random = seededRandom(seed);
    this.#inTransactions = tables.filter((table) => table.transactional);
    const alone = tables.filter((table) => !table.transactional);
    this.#alone = alone.length > 0 ? alone : this.#inTransactions;
  }

  async run(): Promise<void> {
    // Writers must not wait for each other longer than the backup waits for them.
    await this.#connection.query('SET innodb_lock_wait_timeout = 2');
    while (!this.stopping) {
      await this.#turn();
      if (this.#pauseMs > 0) await sleep(this.#pauseMs);
    }
    await this.#connection.end();
  }

  async #turn(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 30) await this.#single(this.#random.pick(this.#alone));
    else if (dice < 40) await this.#single(this.#random.pick(this.#inTransactions));
    else if (dice < 90) await this.#transaction(2 + this.#random.below(8), 20);
    else await this.#transaction(20, 150);
  }

  async #single(table: LoadTable): Promise<void> {
    await this.#change(table, 10);
  }

  /** Some changes, a savepoint taken back now and then, and a rollback one time in five. */
  async #transaction(changes: number, rows: number): Promise<void> {
    await this.#send('BEGIN');
    for (let i = 0; i < changes; i += 1) {
      const undone = this.#random.below(10) === 0;
      if (undone) await this.#send('SAVEPOINT s');
      const done = await this.#change(this.#random.pick(this.#inTransactions), rows);
      if (!done) {
        // A deadlock has rolled back the whole, another refusal only the statement.
        await this.#send('ROLLBACK');
        this.rollbacks += 1;
        return;
      }
      if (undone) await this.#send('ROLLBACK TO SAVEPOINT s');
    }
    if (this.#random.below(5) === 0) {
      if (await this.#send('ROLLBACK')) this.rollbacks += 1;
    } else if (await this.#send('COMMIT')) this.commits += 1;
  }

  async #change(table: LoadTable, rows: number): Promise<boolean> {
    const random = this.#random;
    // Few rows of a wide table weigh as much as many rows of a narrow one.
    const count = Math.max(1, Math.min(rows, Math.floor(150_000 / table.rowBytes)));
    const salt = random.below(1_000_000);
    const dice = random.below(100);
    if (table.insertOnly || dice < 40) return await this.#send(insertRows(table, count, salt));
    if (!table.indexed) {
      const sql =
        dice < 60
          ? `UPDATE ${table.name} SET k = k + 1 WHERE k % 97 = ${salt % 97}`
          : `DELETE FROM ${table.name} ORDER BY k LIMIT ${count}`;
      return await this.#send(sql);
    }
    if (dice < 60) {
      // The lowest rows go, almost as many as come, so that pages are freed and used again.
      const gone = Math.ceil(count * 1.7);
      return await this.#send(`DELETE FROM ${table.name} ORDER BY id LIMIT ${gone}`);
    }
    // A document is changed in place, which touches only a part of its pages.
    const inPlace = table.json ? `, b = JSON_SET(b, '$.n', ${salt})` : '';
    const change =
      dice < 80
        ? `k = k + ${1 + (salt % 50)}${inPlace}`
        : `a = ${hash(`id + ${salt}`)}, b = ${payload(table, 'id', salt)}`;
    const order = dice % 2 === 0 ? 'DESC' : 'ASC';
    return await this.#send(
      `UPDATE ${table.name} SET ${change} WHERE k >= ${salt % 100_000} ` +
        `ORDER BY k ${order}, id LIMIT ${count}`,
    );
  }

  /** False when the server refused for an expected reason; any other refusal ends the writer. */
  async #send(sql: string): Promise<boolean> {
    try {
      await this.#connection.query(sql);
      this.statements += 1;
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (!expected.has(code)) throw new Error(`load: ${sql.slice(0, 200)}`, { cause: error });
      this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
      return false;
    }
  }
}

const sum = (writers: Writer[], field: 'statements' | 'commits' | 'rollbacks'): number =>
  writers.reduce((total, writer) => total + writer[field], 0);

const addUp = (writers: Writer[]): Map<string, number> => {
  const all = new Map<string, number>();
  for (const { refused } of writers) {
    for (const [code, count] of refused) all.set(code, (all.get(code) ?? 0) + count);
  }
  return all;
};

/** Starts the writers on the tables that `createSchema` returned. */
export async function startLoad(
  server: TestServer,
  tables: readonly LoadTable[],
  options: LoadOptions = {},
): Promise<Load> {
  const begin = await currentLsn(server);
  const [size] = await server.query(`SELECT @@${dialectOf(server).redoCapacity} AS bytes`);
  const held = await holdTransactions(server, options);
  const writers: Writer[] = [];
  for (let i = 0; i < (options.writers ?? 3); i += 1) {
    const seed = (options.seed ?? 1) * 1000 + i;
    writers.push(new Writer(await server.connect(), tables, seed, options.pauseMs ?? 0));
  }
  let failure: unknown;
  const runs = writers.map(async (writer) => {
    try {
      await writer.run();
    } catch (error) {
      failure ??= error;
    }
  });
  const redoBytes = async (): Promise<number> => (await currentLsn(server)) - begin;
  return {
    statements() {
      if (failure !== undefined && !server.stopped) {
        throw new Error('a writer of the load has failed', { cause: failure });
      }
      return sum(writers, 'statements');
    },
    redoBytes,
    async stop() {
      for (const writer of writers) writer.stopping = true;
      await Promise.all(runs);
      if (failure !== undefined) await explain(server, failure);
      if (!server.stopped) await held.end();
      const bytes = server.stopped ? Number.NaN : await redoBytes();
      return {
        statements: sum(writers, 'statements'),
        commits: sum(writers, 'commits'),
        rollbacks: sum(writers, 'rollbacks'),
        refused: addUp(writers),
        redoBytes: bytes,
        redoWraps: bytes / Number(size?.['bytes']),
      };
    },
  };
}
