import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  backupMyCnfRows,
  decodeBackupMyCnf,
  encodeMariadbBackupMyCnf,
  encodeOptionFile,
} from '../../../formats/metadata/index.ts';
import { specTable } from '../../support/spec-table.ts';
import { text, utf8, vector, vectors } from './vector.ts';

const need = (value: string | undefined): string => value ?? assert.fail('option missing');

describe('backup-my.cnf', () => {
  it('writes every file of the reference tool again but for its first comment', () => {
    const all = vectors('backup-my.cnf');
    assert.equal(all.length, 6);
    for (const { path, bytes } of all) {
      const file = decodeBackupMyCnf(bytes);
      const written = encodeMariadbBackupMyCnf({
        checksumAlgorithm: need(file.get('innodb_checksum_algorithm')),
        dataFilePath: need(file.get('innodb_data_file_path')),
        logFileSize: file.u64('innodb_log_file_size') ?? 0n,
        pageSize: Number(file.u64('innodb_page_size')),
        undoDirectory: need(file.get('innodb_undo_directory')),
        undoTablespaces: Number(file.u64('innodb_undo_tablespaces')),
        compressionLevel: Number(file.u64('innodb_compression_level')),
        encryption: file.options.slice(backupMyCnfRows.length),
      });
      const body = (whole: string): string => whole.slice(whole.indexOf('\n'));
      assert.equal(body(text(written)), body(text(bytes)), path);
    }
  });

  it('reads options whatever their dashes, the last one winning', () => {
    const file = decodeBackupMyCnf(utf8('[mysqld]\na-b = 1 \na_b=2\n skip-x\n; c\n'));
    assert.equal(file.get('a_b'), '2');
    assert.equal(file.u64('A-B'), 2n);
    assert.equal(file.get('skip_x'), '');
    assert.equal(file.get('other'), undefined);
    assert.equal(file.u64('other'), undefined);
  });

  it('keeps the options of an encryption plugin as they are', () => {
    const file = decodeBackupMyCnf(vector('encrypted/backup-my.cnf'));
    assert.deepEqual(file.options.slice(7), [
      ['plugin_dir', '"/tmp/m/plugin/"'],
      ['plugin_load', 'file_key_management=file_key_management'],
      ['file_key_management_encryption_algorithm', 'aes_cbc'],
      ['file_key_management_filekey', ''],
      ['file_key_management_filename', '/tmp/m/keys.txt'],
      ['innodb_encrypt_log', '1'],
      ['innodb_encrypt_tables', 'ON'],
    ]);
  });

  it('refuses what is no option of [mysqld] and says where', () => {
    const offsetOf = (input: string): number => {
      try {
        decodeBackupMyCnf(utf8(input));
        return -1;
      } catch (error) {
        assert.ok(error instanceof FormatError);
        return error.offset;
      }
    };
    assert.equal(offsetOf('a=1\n'), 0);
    assert.equal(offsetOf('[mysqld]\n[client]\n'), 9);
    assert.equal(offsetOf('[mysqld]\n!include /etc/passwd\n'), 9);
    assert.equal(offsetOf('[mysqld]\na=1'), 9);
    assert.equal(offsetOf('# only a comment\n'), 17);
    assert.throws(() => decodeBackupMyCnf(utf8('[mysqld]\na=x\n')).u64('a'), FormatError);
  });

  it('does not write a value of two lines or a key that is no option', () => {
    assert.throws(() => encodeOptionFile('c', [[['a', '1\n[client]']]]), FormatError);
    for (const key of ['', 'a=b', '[client]', 'a\nb', ' a', '!include']) {
      assert.throws(() => encodeOptionFile('c', [[[key, '1']]]), FormatError, key);
    }
  });

  it('has the table of its spec', () => {
    assert.deepEqual(
      backupMyCnfRows.map((row) => [`\`${row.key}\``, row.form, row.description]),
      specTable('formats/metadata/backup-my-cnf.md', ['key', 'form', 'description']),
    );
  });
});
