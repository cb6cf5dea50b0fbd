import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { BackupLogCheck, blockStart, encodeBackupHeader } from '../../formats/mysql-redo/index.ts';
import { RedoCopier } from '../../src/backup/mysql/redo-copier.ts';
import { readLogStatus } from '../../src/server/mysql/log-status.ts';
import { readRedoStatus } from '../../src/server/mysql/redo-status.ts';
import { Session } from '../../src/server/session.ts';
import { leftOut, type Product } from '../support/programs.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createSchema, redoFilesConsumed, startLoad } from '../support/workload.ts';
import { megabyte } from './mysql-redo-files.ts';

const product: Product = 'mysql-9.7';

/** A copier on a server's own log, what it copied checked as it comes. */
async function follow(server: TestServer) {
  const check = new BackupLogCheck();
  const session = await Session.open({
    user: 'root',
    socket: server.socket,
    tls: { mode: 'disabled' },
  });
  const log = {
    directory: join(server.datadir, '#innodb_redo'),
    spoolDirectory: tmpdir(),
    encrypted: false,
  };
  const copier = new RedoCopier(log, (bytes) => {
    check.push(bytes);
  });
  const { lsn: checkpointLsn, header: source } = copier.checkpoint;
  check.push(encodeBackupHeader({ source, checkpointLsn, startedAt: new Date() }));
  const seen = { turns: 0, short: 0, capacity: 0 };
  const turn = async (stopLsn?: number): Promise<boolean> => {
    const { flushedLsn, capacity } = await readRedoStatus(session);
    const status = { flushedLsn, capacity, currentLsn: flushedLsn };
    const isEnd = stopLsn !== undefined && copier.end(status, stopLsn);
    if (stopLsn === undefined) copier.copy(status);
    const { position } = copier;
    assert.ok(position <= flushedLsn, `${position} is beyond ${flushedLsn}`);
    seen.turns += 1;
    seen.capacity = capacity;
    if (position < blockStart(Math.min(flushedLsn, stopLsn ?? flushedLsn))) seen.short += 1;
    await sleep(1);
    return isEnd;
  };
  const end = async (): Promise<{ stop: number; copied: number; recorded: number }> => {
    copier.hold();
    const { lsn: stop } = await readLogStatus(session);
    await server.query('FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS');
    // As in a backup whose redo thread is faster than the answer.
    while (copier.position < stop + megabyte) await turn();
    while (!(await turn(stop)));
    copier.close();
    await session.close();
    return { stop, copied: copier.position, recorded: check.end().lastLsn };
  };
  return { seen, turn, end };
}

describe('the copier of MySQL’s redo log on a running server', { skip: leftOut(product) }, () => {
  it('follows from file to file and through changes of the capacity, whole up to the last LSN', async () => {
    const server = await startServer({ name: 'live', product });
    const tables = await createSchema(server, { megabytes: 1 });
    const load = await startLoad(server, tables, { writers: 2, pauseMs: 30 });
    const redo = await follow(server);
    const turnsUntil = async (done: () => Promise<boolean> | boolean): Promise<void> => {
      while (!(await done())) await redo.turn();
    };
    const files = await redoFilesConsumed(server);
    await turnsUntil(async () => (await redoFilesConsumed(server)) > files + 20);
    for (const size of [24, 8]) {
      const bytes = size * megabyte;
      await server.query(`SET GLOBAL innodb_redo_log_capacity = ${bytes}`);
      await turnsUntil(() => redo.seen.capacity === bytes);
      const from = await load.redoBytes();
      await turnsUntil(async () => (await load.redoBytes()) > from + megabyte);
    }
    // The server writes on while the end is taken.
    const { stop, copied, recorded } = await redo.end();
    assert.deepEqual([copied, recorded], [stop, stop]);
    // What the server calls durable can be read: else the end of a log could not be told from damage.
    assert.equal(redo.seen.short, 0, `${redo.seen.short} of ${redo.seen.turns} turns fell short`);
    await load.stop();
    await server.stop();
  });
});
