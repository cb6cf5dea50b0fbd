import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  type BackupInfo,
  decodeBinlogInfo,
  decodeInfo,
  encodeInfo,
  formatBinlogPos,
  formatInfoTime,
  infoRows,
} from '../../../formats/metadata/index.ts';
import { specTable } from '../../support/spec-table.ts';
import { byHand, gtidSet, text, utf8, vector, vectors } from './vector.ts';

describe('info file', () => {
  it('writes every file of the reference tool again, line for line', () => {
    const all = vectors('xtrabackup_info');
    assert.equal(all.length, 6);
    for (const { path, bytes } of all) {
      assert.equal(text(encodeInfo(decodeInfo(bytes))), text(bytes), path);
    }
  });

  it('reads the file of a streamed partial backup', () => {
    assert.deepEqual(decodeInfo(vector('stream/xtrabackup_info')), {
      uuid: '583212d8-e555-11f1-bad8-02fc00000001',
      name: 'nightly',
      toolName: 'mariadb-backup',
      toolCommand:
        '--backup --target-dir=/tmp/m/tmp2 --stream=mbstream --databases=d --history=nightly' +
        ' --socket /tmp/m/s.sock --user bk --password ...',
      toolVersion: '10.11.19-MariaDB',
      ibbackupVersion: '10.11.19-MariaDB',
      serverVersion: '10.11.19-MariaDB-0+deb12u1-log',
      startTime: '2026-11-21 02:43:33',
      endTime: '2026-11-21 02:43:33',
      lockTime: 0,
      binlogPos: "filename 'binlog.000002', position '339', GTID of the last change '0-3-6'",
      innodbFromLsn: 0n,
      innodbToLsn: 48562n,
      partial: true,
      incremental: false,
      format: 'mbstream',
      compressed: false,
      others: [],
    });
  });

  it("writes and reads the file of MySQL's tool with every line", () => {
    const bytes = byHand('gtid/xtrabackup_info');
    const info: BackupInfo = {
      uuid: '0b7c2d51-c6d1-11f0-9a54-0a0000000001',
      name: 'nightly',
      toolName: 'xtrabackup',
      toolCommand:
        '--backup --stream=xbstream --compress --encrypt=AES256 --encrypt-key=...' +
        ' --user=bk --password=...',
      toolVersion: '8.4.0-5',
      ibbackupVersion: '8.4.0-5',
      serverVersion: '8.4.7',
      serverFlavor: 'MySQL',
      startTime: '2026-11-20 23:00:01',
      endTime: '2026-11-20 23:04:17',
      lockTime: 2,
      binlogPos: formatBinlogPos({ file: 'binlog.000004', position: 1157n, gtid: gtidSet }),
      innodbFromLsn: 0n,
      innodbToLsn: 20556483n,
      partial: false,
      incremental: false,
      format: 'xbstream',
      compressed: true,
      encrypted: true,
      lockDdlType: 'ON',
      others: [],
    };
    assert.equal(text(encodeInfo(info)), text(bytes));
    assert.deepEqual(decodeInfo(bytes), info);
    assert.deepEqual(
      [...text(bytes).matchAll(/^(\w+) = /gmu)].map(([, key]) => key),
      infoRows.map((row) => row.key),
    );
  });

  it("leaves the newer lines of MySQL's tool out unless they are given", () => {
    const bytes = byHand('plain/xtrabackup_info');
    const info: BackupInfo = {
      uuid: '0b7c2d51-c6d1-11f0-9a54-0a0000000002',
      name: '',
      toolName: 'xtrabackup',
      toolCommand: '--backup --lock-ddl=OFF --target-dir=/backup --user=bk --password=...',
      toolVersion: '8.0.35-34',
      ibbackupVersion: '8.0.35-34',
      serverVersion: '8.0.44',
      startTime: '2026-11-20 23:00:01',
      endTime: '2026-11-20 23:00:03',
      lockTime: 0,
      binlogPos: formatBinlogPos({ file: 'binlog.000004', position: 157n }),
      innodbFromLsn: 0n,
      innodbToLsn: 20556483n,
      partial: false,
      incremental: false,
      format: 'file',
      compressed: false,
      encrypted: false,
      others: [],
    };
    assert.equal(text(encodeInfo(info)), text(bytes));
    assert.deepEqual(decodeInfo(bytes), info);
  });

  it('formats binlog_pos as the reference tool does', () => {
    for (const name of ['full', 'incremental', 'stream', 'odd']) {
      assert.equal(
        formatBinlogPos(decodeBinlogInfo(vector(`${name}/xtrabackup_binlog_info`))),
        decodeInfo(vector(`${name}/xtrabackup_info`)).binlogPos,
      );
    }
    assert.equal(
      formatBinlogPos(undefined),
      decodeInfo(vector('nobinlog/xtrabackup_info')).binlogPos,
    );
    assert.equal(
      formatBinlogPos({ file: 'binlog.000004', position: 157n }),
      "filename 'binlog.000004', position '157'",
    );
  });

  it('reads a command line that is not UTF-8', () => {
    const bytes = vector('full/xtrabackup_info');
    bytes[text(bytes).indexOf('/tmp/m/full')] = 0xe9;
    assert.match(decodeInfo(bytes).toolCommand, /--target-dir=\u{fffd}tmp/u);
  });

  it('refuses a missing line, a bad flag and a bad number', () => {
    const whole = text(vector('full/xtrabackup_info'));
    const kindOf = (input: string): string => {
      try {
        decodeInfo(utf8(input));
        return 'none';
      } catch (error) {
        assert.ok(error instanceof FormatError);
        return `${error.kind} ${error.field}`;
      }
    };
    assert.equal(
      kindOf(whole.replace(/server_version.*\n/u, '')),
      'truncated info > server_version',
    );
    assert.equal(kindOf(whole.replace('partial = N', 'partial = 0')), 'invalid info > partial');
    assert.equal(
      kindOf(whole.replace('lock_time = 0', 'lock_time = 1s')),
      'invalid info > lock_time',
    );
    assert.equal(kindOf(whole.slice(0, -1)), 'truncated info > line');
  });

  it('formats times as local time', () => {
    assert.equal(formatInfoTime(new Date(2026, 0, 2, 3, 4, 5)), '2026-01-02 03:04:05');
  });

  it('has the table of its spec', () => {
    assert.deepEqual(
      infoRows.map((row) => [`\`${row.key}\``, row.form, row.description]),
      specTable('formats/metadata/info.md', ['key', 'form', 'description']),
    );
  });
});
