import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  decodeBackupMyCnf,
  encodeMysqlBackupMyCnf,
  type MysqlBackupOptions,
  mysqlBackupMyCnfRows,
} from '../../../formats/metadata/index.ts';
import { specTable } from '../../support/spec-table.ts';
import { byHand, text } from './vector.ts';

const plain: MysqlBackupOptions = {
  checksumAlgorithm: 'crc32',
  logChecksums: false,
  dataFilePath: 'ibdata1:12M:autoextend',
  logFileSize: 50331648n,
  pageSize: 16384,
  undoDirectory: './',
  undoTablespaces: 2,
  serverId: 1,
  redoLogEncrypt: false,
  undoLogEncrypt: false,
  pluginLoad: [],
  others: [],
};

const everything: MysqlBackupOptions = {
  checksumAlgorithm: 'strict_crc32',
  logChecksums: true,
  dataFilePath: 'ibdata1:12M;ibdata2:12M:autoextend',
  logFileSize: 50331648n,
  pageSize: 16384,
  undoDirectory: '/undo',
  undoTablespaces: 3,
  serverId: 4294967295,
  redoLogEncrypt: true,
  undoLogEncrypt: true,
  bufferPoolFilename: 'ib_buffer_pool',
  pluginLoad: ['keyring_file.so', 'keyring_vault=keyring_vault.so'],
  serverUuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562',
  masterKeyId: 2,
  others: [['lower_case_table_names', '1']],
};

describe('backup-my.cnf of MySQL', () => {
  it("writes the options in the order of MySQL's tool, ours behind them", () => {
    assert.equal(text(encodeMysqlBackupMyCnf(everything)), text(byHand('gtid/backup-my.cnf')));
  });

  it('leaves out what is not set', () => {
    assert.equal(text(encodeMysqlBackupMyCnf(plain)), text(byHand('plain/backup-my.cnf')));
  });

  it('tells redo encryption from undo encryption', () => {
    const file = decodeBackupMyCnf(encodeMysqlBackupMyCnf({ ...plain, redoLogEncrypt: true }));
    assert.equal(file.get('innodb_redo_log_encrypt'), 'ON');
    assert.equal(file.get('innodb_undo_log_encrypt'), 'OFF');
  });

  it('is read back option by option, the second innodb_log_checksums winning', () => {
    const file = decodeBackupMyCnf(byHand('gtid/backup-my.cnf'));
    assert.equal(file.get('innodb_log_checksums'), 'ON');
    assert.equal(file.u64('server_id'), 4294967295n);
    assert.equal(file.u64('lower-case-table-names'), 1n);
    assert.deepEqual(
      file.options.filter(([key]) => key === 'plugin_load').map(([, value]) => value),
      everything.pluginLoad,
    );
  });

  it('is called cut short wherever it is cut, unless whole lines remain', () => {
    const bytes = byHand('gtid/backup-my.cnf');
    const whole = text(bytes);
    const header = whole.indexOf('[mysqld]\n') + '[mysqld]\n'.length;
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const read = (): unknown => decodeBackupMyCnf(bytes.subarray(0, cut));
      if (cut >= header && whole[cut - 1] === '\n') {
        assert.doesNotThrow(read, `cut at ${cut}`);
        continue;
      }
      assert.throws(
        read,
        (error: unknown) => error instanceof FormatError && error.kind === 'truncated',
        `cut at ${cut}`,
      );
    }
  });

  it('does not write a value of two lines, wherever it comes from', () => {
    const broken = 'x\nplugin_load=evil.so';
    for (const change of [
      { undoDirectory: broken },
      { bufferPoolFilename: broken },
      { pluginLoad: [broken] },
      { serverUuid: broken },
      { others: [['a', broken]] },
      { others: [[broken, 'a']] },
    ] satisfies Partial<MysqlBackupOptions>[]) {
      assert.throws(() => encodeMysqlBackupMyCnf({ ...plain, ...change }), FormatError);
    }
  });

  it('has the table of its spec, which is the order of the file', () => {
    assert.deepEqual(
      mysqlBackupMyCnfRows.map((row) => [`\`${row.key}\``, row.form, row.description]),
      specTable('formats/metadata/backup-my-cnf.md', ['key', 'form', 'description'], 'MySQL'),
    );
    const one = { ...everything, pluginLoad: ['keyring_file.so'], others: [] };
    assert.deepEqual(
      decodeBackupMyCnf(encodeMysqlBackupMyCnf(one)).options.map(([key]) => key),
      mysqlBackupMyCnfRows.map((row) => row.key),
    );
  });
});
