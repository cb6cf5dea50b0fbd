// MySQL servers to be backed up, and what their restored copies must show besides equal tables.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Connection } from 'mysql2/promise';

import { beginName, decodeBegin } from '../../formats/archive-record/index.ts';
import { serverWithKeyring } from '../support/keyring.ts';
import { readBinlogInfo } from '../support/proof.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createSchema, type LoadTable, redoFilesConsumed, redoTurns } from '../support/workload.ts';

export const product = 'mysql-9.7';

export interface FullSource {
  readonly server: TestServer;
  readonly tables: LoadTable[];
  /** The folder with the files that are outside of the data directory. */
  readonly elsewhere: string;
  /** Makes a server with a copy of the keys, for one restored data directory. */
  readonly program: () => Promise<string>;
}

/** A source with every kind of table, encrypted ones among them, in every place. */
export async function startFullSource(options: readonly string[] = []): Promise<FullSource> {
  const elsewhere = scratchDir('elsewhere');
  const keys = join(scratchDir('keys'), 'keyring');
  const server = await startServer({
    name: 'source',
    product,
    program: await serverWithKeyring(product, keys),
    options: [`--innodb-directories=${elsewhere}`, ...options],
  });
  const tables = await createSchema(server, {
    megabytes: 2,
    encrypted: true,
    elsewhere,
    undoElsewhere: true,
  });
  return { server, tables, elsewhere, program: withKeys(keys) };
}

/** Two servers must not write to one keyring: each gets a copy. */
export function withKeys(keys: string): () => Promise<string> {
  return async () => {
    const copy = join(scratchDir('copied-keys'), 'keyring');
    await copyFile(keys, copy);
    return await serverWithKeyring(product, copy);
  };
}

/** As `gtid_executed`, without the line breaks that the server puts into long sets. */
async function gtidsOf(server: TestServer): Promise<string> {
  const [row] = await server.query<{ gtids: string }>('SELECT @@gtid_executed AS gtids');
  return (row?.gtids ?? '').replaceAll('\n', '');
}

/** A server's identity to its replicas. */
export async function uuidOf(server: TestServer): Promise<string> {
  const [row] = await server.query<{ uuid: string }>('SELECT @@server_uuid AS uuid');
  return row?.uuid ?? '';
}

/** A restored server knows as done what the backup says, and nothing else. */
export async function assertGtidsOfBackup(target: TestServer): Promise<void> {
  const { gtid } = await readBinlogInfo(target.datadir);
  assert.ok(gtid);
  assert.equal(await gtidsOf(target), gtid);
}

/** Names of the prepared transactions. */
export async function preparedIn(server: TestServer): Promise<string[]> {
  const rows = await server.query<{ data: string }>('XA RECOVER');
  return rows.map(({ data }) => data).sort();
}

/** Two transactions of thousands of rows each, which stay open until they are ended. */
export class LargeTransactions {
  static readonly #rows = 10_000;
  readonly #server: TestServer;
  readonly #sessions: Connection[] = [];

  constructor(server: TestServer) {
    this.#server = server;
  }

  async begin(): Promise<void> {
    const half = LargeTransactions.#rows / 2;
    await this.#server.query(
      'CREATE TABLE load_main.large (id INT PRIMARY KEY, v INT NOT NULL, pad VARCHAR(200))',
    );
    await this.#server.query(
      "INSERT INTO load_main.large SELECT seq, 0, REPEAT('x', 200) FROM " +
        `JSON_TABLE(CONCAT('[0', REPEAT(',0', ${LargeTransactions.#rows - 1}), ']'), '$[*]' ` +
        'COLUMNS (seq FOR ORDINALITY)) AS numbers',
    );
    for (const change of [
      `UPDATE load_main.large SET v = v + 1, pad = REPEAT('y', 199) WHERE id <= ${half}`,
      `DELETE FROM load_main.large WHERE id > ${half}`,
    ]) {
      const session = await this.#server.connect();
      await session.query('BEGIN');
      await session.query(change);
      this.#sessions.push(session);
    }
  }

  /** One becomes true, the other does not. */
  async end(): Promise<void> {
    for (const [i, session] of this.#sessions.entries()) {
      await session.query(i === 0 ? 'COMMIT' : 'ROLLBACK');
      await session.end();
    }
  }

  /** Nothing of them is in a backup taken meanwhile. */
  async assertRolledBack(target: TestServer): Promise<void> {
    const [row] = await target.query(
      "SELECT COUNT(*) AS n, SUM(v) AS v, SUM(pad LIKE '%y%') AS y FROM load_main.large",
    );
    const found = [row?.['n'], row?.['v'], row?.['y']].map(Number);
    assert.deepEqual(found, [LargeTransactions.#rows, 0, 0]);
  }
}

export async function untilStatements(
  counted: { statements(): number },
  more: number,
): Promise<void> {
  const target = counted.statements() + more;
  while (counted.statements() < target) await sleep(20);
}

/** What the server has consumed of its redo is twice what the log holds, and it has let go of it. */
export async function untilRedoIsRecycled(source: TestServer): Promise<void> {
  const [turns, files] = [await redoTurns(source), await redoFilesConsumed(source)];
  while ((await redoTurns(source)) < turns + 2) await sleep(20);
  while ((await redoFilesConsumed(source)) < files + 32) await sleep(20);
}

/**
 * Waits until a checkpoint has passed the LSN that page tracking began at for the backup of which this
 * is the --extra-lsndir: the server lists nothing before.
 */
export async function untilTracked(source: TestServer, lsnDir: string): Promise<void> {
  const { pageTracking } = decodeBegin(readFileSync(join(lsnDir, beginName)));
  assert.ok(pageTracking);
  const sql =
    "SELECT CAST(storage_engines->>'$.InnoDB.LSN_checkpoint' AS UNSIGNED) AS lsn " +
    'FROM performance_schema.log_status';
  for (;;) {
    const [row] = await source.query<{ lsn: number }>(sql);
    if ((row?.lsn ?? 0) >= pageTracking.startLsn) return;
    await sleep(50);
  }
}

/** A schema change while a backup runs, which waits for it. */
export async function startDdlStatement(
  source: TestServer,
): Promise<{ waits: () => Promise<boolean>; end: Promise<unknown> }> {
  const session = await source.connect({ database: 'load_main' });
  const end = session.query('CREATE TABLE waited (id INT PRIMARY KEY)');
  const waiting =
    'SELECT 1 FROM performance_schema.processlist ' +
    "WHERE info LIKE 'CREATE%' AND state = 'Waiting for backup lock'";
  return { waits: async () => (await source.query(waiting)).length > 0, end };
}
