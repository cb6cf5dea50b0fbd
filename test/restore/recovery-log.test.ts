import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mariadbRestore } from '../../src/restore/mariadb/mariadb-restore.ts';
import { RecoveryLog } from '../../src/restore/recovery-log.ts';

// What MariaDB 10.11.19 (Debian 12) said when it recovered backups taken under load, whole ones
// and ones that were spoiled before; lines made up in its manner are marked.

const recovery = `
2026-11-21  3:51:43 0 [Note] Starting MariaDB 10.11.19-MariaDB-0+deb12u1 source revision 5843d8475120241667a7ce0f8a1abb6c9b43a273 server_uid fXdYp7ZWAMMBm0PUMZFJoAcM0o0= as process 22819
2026-11-21  3:51:43 0 [Warning] Could not increase number of max_open_files to more than 20000 (request: 32184)
2026-11-21  3:51:43 0 [Note] mariadbd: Aria engine: starting recovery
recovered pages: 0% 13% 26% 41% 54% 68% 82% 96% 100% (0.0 seconds); tables to flush: 1 0
 (0.0 seconds); 
2026-11-21  3:51:43 0 [Note] mariadbd: Aria engine: recovery done
2026-11-21  3:51:43 0 [Note] InnoDB: Compressed tables use zlib 1.2.13
2026-11-21  3:51:43 0 [Note] InnoDB: Completed initialization of buffer pool
2026-11-21  3:51:43 0 [Note] InnoDB: Buffered log writes (block size=4096 bytes)
2026-11-21  3:51:43 0 [Note] InnoDB: Starting crash recovery from checkpoint LSN=45495
2026-11-21  3:51:43 0 [Note] InnoDB: Ignoring data file './ddl_own/#sql-alter-588c-8.ibd' with space ID 40. Another data file called ./ddl_own/a0.ibd exists with the same space ID.
2026-11-21  3:51:43 0 [Note] InnoDB: End of log at LSN=24804197
2026-11-21  3:51:43 0 [Note] InnoDB: 1 transaction(s) which must be rolled back or cleaned up in total 113 row operations to undo
2026-11-21  3:51:43 0 [Note] InnoDB: Trx id counter is 716
2026-11-21  3:51:43 0 [Note] InnoDB: To recover: 1184 pages
2026-11-21  3:51:43 0 [Note] InnoDB: Last binlog file './bin.000001', position 20517308
2026-11-21  3:51:43 0 [Note] InnoDB: Resizing redo log from 23.623MiB to 48.000MiB; LSN=24804197
2026-11-21  3:51:43 0 [Note] InnoDB: 128 rollback segments in 3 undo tablespaces are active.
2026-11-21  3:51:43 0 [Note] InnoDB: Rolled back recovered transaction 714
2026-11-21  3:51:43 0 [Note] InnoDB: log sequence number 24804197; transaction id 718
2026-11-21  3:51:43 0 [Note] /usr/sbin/mariadbd: ready for connections.
Version: '10.11.19-MariaDB-0+deb12u1'  socket: '/tmp/server.sock'  port: 0  Debian 12`;

const nothingToDo = `
2026-11-21  3:47:54 0 [Note] InnoDB: Buffered log writes (block size=4096 bytes)
2026-11-21  3:47:54 0 [Note] InnoDB: End of log at LSN=1136493
2026-11-21  3:47:54 0 [Note] InnoDB: Resizing redo log from 12.016KiB to 10.000MiB; LSN=1136493
2026-11-21  3:47:54 0 [Note] InnoDB: log sequence number 1136493; transaction id 154
2026-11-21  3:47:54 0 [Note] /usr/sbin/mariadbd: ready for connections.`;

const read = (lines: string): RecoveryLog => {
  const log = new RecoveryLog(mariadbRestore.recoveryWords);
  for (const line of lines.trim().split('\n')) log.add(line);
  return log;
};

describe('RecoveryLog', () => {
  it('reads from where to where the server recovered, and that it is ready', () => {
    const { checkpointLsn, endLsn, fatal, ready, warnings } = read(recovery);
    assert.deepEqual(
      { checkpointLsn, endLsn, fatal, ready },
      { checkpointLsn: 45495, endLsn: 24804197, fatal: undefined, ready: true },
    );
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /max_open_files/u);
  });

  it('is not ready before the server says so', () => {
    assert.equal(read(recovery.slice(0, recovery.indexOf('ready for'))).ready, false);
  });

  it('sees that there was nothing to recover', () => {
    const { checkpointLsn, endLsn, fatal, ready } = read(nothingToDo);
    assert.deepEqual(
      { checkpointLsn, endLsn, fatal, ready },
      { checkpointLsn: undefined, endLsn: 1136493, fatal: undefined, ready: true },
    );
  });

  it('keeps the LSNs that were said first', () => {
    const { checkpointLsn, endLsn } = read(recovery + recovery.replaceAll('=', '=9'));
    assert.deepEqual([checkpointLsn, endLsn], [45495, 24804197]);
  });

  const fatal = [
    // A missing undo file.
    '[ERROR] InnoDB: Missing FILE_CREATE, FILE_DELETE or FILE_MODIFY before FILE_CHECKPOINT for tablespace 2',
    '[ERROR] InnoDB: Plugin initialization aborted with error Data structure corruption',
    "[ERROR] Plugin 'InnoDB' registration as a STORAGE ENGINE failed.",
    '[ERROR] Unknown/unsupported storage engine: InnoDB',
    '[ERROR] Aborting',
    // A missing table file.
    '[ERROR] InnoDB: Tablespace 8 was not found at ./load_main/r_dynamic.ibd.',
    // A missing, then a cut redo log.
    '[ERROR] InnoDB: File ./ib_logfile0 was not found',
    '[ERROR] InnoDB: Page [page id: space=14, page number=3] log sequence number 15551402 is in the future! Current system log sequence number 10500326.',
    '[ERROR] InnoDB: Your database may be corrupt or you may have copied the InnoDB tablespace but not the ib_logfile0.',
    '[ERROR] InnoDB: Unable to apply log to corrupted page 3 in file ./load_main/page_compressed.ibd',
    // No system tablespace.
    "[ERROR] InnoDB: undo tablespace './/undo001' exists. Creating system tablespace with existing undo tablespaces is not supported.",
    // Made up: the same of Aria, and what is only a note or a warning.
    '[ERROR] mariadbd: Aria engine: log data error',
    "[ERROR] mariadbd: Can't lock aria control file '/data/aria_log_control' for exclusive use, error: 11.",
    '[Warning] InnoDB: Page 3 log sequence number 9 is in the future!',
    '[Warning] InnoDB: The change buffer is corrupted or has been removed',
    "[Note] InnoDB: Not applying DELETE_ROW_FORMAT_DYNAMIC due to corruption on page 7 of './a/b.ibd'",
  ];

  for (const line of fatal) {
    it(`does not trust what follows: ${line.slice(0, 70)}`, () => {
      const log = read(`2026-11-21  3:54:00 0 ${line}\n2026-11-21  3:54:00 0 [ERROR] Aborting`);
      assert.equal(log.fatal, `2026-11-21  3:54:00 0 ${line}`);
    });
  }

  const harmless = [
    "[Note] InnoDB: Ignoring data file './shop/corrupt.ibd' with space ID 9. Another data file called ./corrupt/b.ibd exists with the same space ID.",
    "[Note] InnoDB: Tablespace 7 was not found at '', but there were no modifications either.",
    "[Warning] Plugin 'FEEDBACK' is disabled.",
    // Made up: a server of a later series on the system tables of an older one.
    '[ERROR] Incorrect definition of table mysql.event: expected column',
    '[ERROR] mariadbd: Event Scheduler: An error occurred when initializing system tables.',
  ];

  for (const line of harmless) {
    it(`goes on after: ${line.slice(0, 70)}`, () => {
      const { fatal, warnings } = read(`2026-11-21  3:54:00 0 ${line}`);
      assert.equal(fatal, undefined);
      assert.equal(warnings.length, line.startsWith('[Note]') ? 0 : 1);
    });
  }

  it('keeps the last lines only', () => {
    const log = new RecoveryLog(mariadbRestore.recoveryWords);
    for (let n = 0; n < 1000; n += 1) log.add(`line ${n}`);
    assert.equal(log.tail(3), 'line 997\nline 998\nline 999');
    assert.equal(log.tail(1000).split('\n').length, 200);
  });
});
