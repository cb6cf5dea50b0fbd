import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { mysqlRestore } from '../../src/restore/mysql/mysql-restore.ts';
import { RecoveryLog } from '../../src/restore/recovery-log.ts';

// What MySQL 9.7.4 (Debian) said when it recovered a backup taken under load, whole and spoiled
// behind the checks of prepare.

const at = '2026-11-21T15:41:26.859641Z';

const recovery = `
${at} 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 9.7.4-2) starting as process 28240
${at} 0 [Warning] [MY-010075] [Server] No existing UUID has been found, so we assume that this is the first time that this server has been started. Generating a new UUID: 0357e5c3-e5c2-11f1-a922-02fc00000001.
${at} 1 [Note] [MY-012208] [InnoDB] Completed space ID check of 43 files.
${at} 1 [Note] [MY-013883] [InnoDB] The latest found checkpoint is at lsn = 22654112 in redo log file ./#innodb_redo/#ib_redo0.
${at} 1 [Note] [MY-012560] [InnoDB] The log sequence number 19050596 in the system tablespace does not match the log sequence number 22654112 in the redo log files!
${at} 1 [Note] [MY-012551] [InnoDB] Database was not shutdown normally!
${at} 1 [Note] [MY-012552] [InnoDB] Starting crash recovery.
${at} 1 [Note] [MY-013086] [InnoDB] Starting to parse redo log at lsn = 22653971, whereas checkpoint_lsn = 22654112 and start_lsn = 22653952
${at} 1 [Note] [MY-012550] [InnoDB] Doing recovery: scanned up to log sequence number 27398341
${at} 1 [Note] [MY-012532] [InnoDB] Applying a batch of 653 redo log records ...
${at} 1 [Note] [MY-012535] [InnoDB] Apply batch completed!
${at} 1 [Note] [MY-013252] [InnoDB] Using undo tablespace './undo_001'.
${at} 1 [Note] [MY-013252] [InnoDB] Using undo tablespace './undo_002'.
${at} 1 [Note] [MY-012910] [InnoDB] Opened 2 existing undo tablespaces.
${at} 1 [Note] [MY-012356] [InnoDB] Scanned 45 tablespaces. Validated 45.
${at} 0 [Warning] [MY-013595] [Server] Failed to initialize TLS for channel: mysql_main. See below for the description of exact issue.
${at} 0 [Warning] [MY-010069] [Server] Failed to set up SSL because of the following SSL library error: SSL context is not usable without certificate and private key
${at} 0 [Warning] [MY-010284] [Server] RSA private key file not found: /data//private_key.pem. Some authentication plugins will not work.
${at} 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '9.7.4-2'  socket: '/tmp/s.sock'  port: 0  (Debian).`;

const range = { checkpointLsn: 22_654_112, lastLsn: 27_398_341, anyChanges: true };

const read = (lines: string): RecoveryLog => {
  const log = new RecoveryLog(mysqlRestore.recoveryWords);
  for (const line of lines.trim().split('\n')) log.add(line);
  return log;
};

const verdict = (lines: string, redo = range): string | undefined => {
  const log = read(lines);
  return log.fatal ?? mysqlRestore.objection(log, redo);
};

describe('what MySQL says of its recovery', () => {
  it('tells from where to where it recovered, and that it is ready', () => {
    const { checkpointLsn, endLsn, fatal, ready, warnings } = read(recovery);
    assert.deepEqual(
      { checkpointLsn, endLsn, fatal, ready, warnings },
      {
        checkpointLsn: 22_654_112,
        endLsn: 27_398_341,
        fatal: undefined,
        ready: true,
        warnings: [],
      },
    );
    assert.equal(verdict(recovery), undefined);
  });

  it('ends at the last LSN of several', () => {
    const scanned = /^.*MY-012550.*$/mu.exec(recovery)?.[0] ?? '';
    const sooner = scanned.replace('27398341', '25033841');
    assert.equal(verdict(recovery.replace(scanned, `${sooner}\n${scanned}`)), undefined);
    assert.equal(
      verdict(recovery.replace(scanned, `${scanned}\n${sooner}`)),
      'the server recovered to LSN 25033841 instead of 27398341',
    );
  });

  it('may leave out how far it scanned only when there was nothing to scan', () => {
    const idle = recovery.replace(/^.*MY-012550.*\n/mu, '');
    const nothing = { ...range, lastLsn: range.checkpointLsn, anyChanges: false };
    assert.equal(verdict(idle, nothing), undefined);
    assert.match(verdict(idle) ?? '', /recovered to LSN 22654112 instead of 27398341/u);
  });

  it('may end in the block behind, where an encrypted one could not be cut, and no further', () => {
    const ending = (lsn: number): string => recovery.replace('27398341', String(lsn));
    const block = 27_398_341 - (27_398_341 % 512);
    assert.equal(verdict(ending(block + 1023)), undefined);
    assert.match(verdict(ending(block + 1024)) ?? '', /recovered to LSN/u);
    assert.match(verdict(ending(27_398_340)) ?? '', /recovered to LSN 27398340/u);
  });

  it('must name the checkpoint of the backup', () => {
    assert.equal(
      verdict(recovery.replace('lsn = 22654112', 'lsn = 22657696')),
      'the server began at LSN 22657696 instead of 22654112',
    );
    assert.match(verdict(recovery.replace(/^.*MY-013883.*$/mu, '')) ?? '', /began at LSN \?/u);
  });

  const fatal = [
    // A start LSN that is not that of the blocks: the server starts.
    '[ERROR] [MY-012562] [InnoDB] We scanned the log up to 22653952. A checkpoint was at 22654112 and the maximum LSN on a database page was 0. It is possible that the database is now corrupt!',
    // An empty #innodb_redo: the server starts.
    "[ERROR] [MY-011971] [InnoDB] Tablespace 'innodb_system' Page [page id: space=0, page number=5] log sequence number 25028753 is in the future! Current system log sequence number 19051020.",
    '[ERROR] [MY-011972] [InnoDB] Your database may be corrupt or you may have copied the InnoDB tablespace but not the InnoDB redo log files. Please refer to http://dev.mysql.com/doc/refman/9.7/en/forcing-innodb-recovery.html for information about forcing recovery.',
    // No #innodb_redo.
    '[ERROR] [MY-013862] [InnoDB] Neither found #innodb_redo subdirectory, nor ib_logfile* files in ./',
    // A start LSN beyond the checkpoint.
    '[ERROR] [MY-013866] [InnoDB] Found checkpoint LSN 22654112 in a redo log file ./#innodb_redo/#ib_redo0, but the file represents range of LSN values [22656000, 27405312), so the file is corrupted.',
    // The only file says that there is a next one.
    '[ERROR] [MY-013893] [InnoDB] Found existing redo log files, but at least one is missing. It is unknown if recovery could reach physically consistent state. Please consider restoring from backup or providing --innodb-force-recovery > 0.',
    // A flipped bit in a block: the server starts.
    '[ERROR] [MY-012545] [InnoDB] Log block 47247 at lsn 24189952 has valid header, but checksum field contains 1380277415, should be 2038034682.',
    // A missing undo tablespace: the server starts.
    '[Note] [MY-013040] [InnoDB] Will create 1 new undo tablespaces.',
    // A missing table, without and with redo for it; without, the server starts.
    "[Warning] [MY-012351] [InnoDB] Tablespace 40, name 'load_main/quiet', file './load_main/quiet.ibd' is missing!",
    '[ERROR] [MY-012179] [InnoDB] Could not find any file associated with the tablespace ID: 3',
    // A torn page: the server says this again and again and never is ready.
    '[ERROR] [MY-011906] [InnoDB] Database page corruption on disk or a failed file read of page [page id: space=3, page number=4]. You may have to recover from a backup.',
    // A table that is too short, then one of an odd length.
    '[ERROR] [MY-013183] [InnoDB] Assertion failure: fil0fil.cc:10399:offset <= initial_fsize thread 139935069763264',
    '[ERROR] [MY-012639] [InnoDB] Write to file ./load_main/r_dynamic.ibd failed at offset 245660, 100 bytes should have been written, only 0 were written. Operating system error number 22. Check that your OS and file system support files of this size. Check also that the disk is not full or a disk quota exceeded.',
    // The redo of another backup.
    '[ERROR] [MY-012684] [InnoDB] [FATAL] is_short 0, info_and_status_bits 0, offset 1185, o_offset 8, mismatch index 18446744073709551569, end_seg_len 76 parsed len 4',
  ];

  for (const line of fatal) {
    it(`is not trusted after: ${line.slice(0, 90)}`, () => {
      const scanned = /^.*MY-012550.*$/mu.exec(recovery)?.[0] ?? '';
      const spoiled = recovery.replace(scanned, `${scanned}\n${at} 1 ${line}`);
      assert.equal(verdict(spoiled), `${at} 1 ${line}`);
    });
  }

  it('is trusted after warnings of another kind, which are passed on', () => {
    const warning =
      "[Warning] [MY-013711] [Server] Manifest file '/usr/sbin/mysqld.my' is not read-only. For better security, please make sure that the file is read-only.";
    const { fatal: none, warnings } = read(`${recovery}\n${at} 0 ${warning}`);
    assert.equal(none, undefined);
    assert.deepEqual(warnings, [`${at} 0 ${warning}`]);
  });
});
