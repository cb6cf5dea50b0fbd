import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { BackupLogCheck, encodeBackupHeader } from '../../formats/mariadb-redo/index.ts';
import { RedoCopier } from '../../src/backup/mariadb/redo-copier.ts';
import { readRedoStatus } from '../../src/server/mariadb/redo-status.ts';
import { Session } from '../../src/server/session.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { createSchema, startLoad } from '../support/workload.ts';

/** A copier on a server's own log, what it copied checked as it comes. */
async function follow(server: TestServer) {
  const check = new BackupLogCheck();
  const session = await Session.open({
    user: 'root',
    socket: server.socket,
    tls: { mode: 'disabled' },
  });
  const path = join(server.datadir, 'ib_logfile0');
  const copier = new RedoCopier(
    path,
    (bytes) => {
      check.push(bytes);
    },
    () => undefined,
  );
  const header = { source: copier.log.header, ...copier.checkpoint, creator: 'Backup test' };
  check.push(encodeBackupHeader(header));
  const seen = { turns: 0, short: 0, wraps: new Set<number>(), capacities: new Set<number>() };
  const turn = async (): Promise<void> => {
    const status = await readRedoStatus(session);
    copier.copy(status);
    const { position } = copier;
    assert.ok(position <= status.flushedLsn, `${position} is beyond ${status.flushedLsn}`);
    const { firstLsn, capacity } = copier.log.ring;
    seen.turns += 1;
    if (position < status.flushedLsn) seen.short += 1;
    seen.wraps.add(Math.floor((position - firstLsn) / capacity));
    seen.capacities.add(capacity);
    await sleep(1);
  };
  const end = async (): Promise<{ copied: number; recorded: number; current: number }> => {
    await server.query('FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS');
    const { currentLsn: current } = await readRedoStatus(session);
    while (copier.position < current) await turn();
    copier.close();
    await session.close();
    const recorded = Number(check.end().lastLsn);
    return { copied: copier.position, recorded, current };
  };
  return { seen, turn, end };
}

const megabyte = 1024 * 1024;

describe('the redo copier on a running server', () => {
  it('follows the log round and round and through changes of its size, whole up to the last LSN', async () => {
    const server = await startServer({
      name: 'live',
      options: ['--innodb-log-file-size=8M', '--innodb-log-buffer-size=2M'],
    });
    const tables = await createSchema(server, { megabytes: 1 });
    const load = await startLoad(server, tables, { writers: 2, pauseMs: 30 });
    const redo = await follow(server);
    const turnsUntil = async (done: () => Promise<boolean> | boolean): Promise<void> => {
      while (!(await done())) await redo.turn();
    };
    await turnsUntil(() => redo.seen.wraps.size > 2);
    for (const size of [24, 6]) {
      await Promise.all([
        server.query(`SET GLOBAL innodb_log_file_size=${size * megabyte}`),
        turnsUntil(() => redo.seen.capacities.has(size * megabyte - 12_288)),
      ]);
      const from = await load.redoBytes();
      await turnsUntil(async () => (await load.redoBytes()) > from + megabyte);
    }
    await load.stop();
    const { copied, recorded, current } = await redo.end();
    assert.equal(copied, recorded);
    // Purge may have gone on meanwhile.
    assert.ok(copied >= current, `${copied} falls short of ${current}`);
    // What is durable ends with a whole mini-transaction: else the end of a log could not be told from damage.
    assert.equal(redo.seen.short, 0, `${redo.seen.short} of ${redo.seen.turns} turns fell short`);
    await server.stop();
  });
});
