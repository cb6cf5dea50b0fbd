import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  acceptedNames,
  maskArgv,
  metadataNames,
  metadataRole,
} from '../../../formats/metadata/index.ts';
import { text, vector } from './vector.ts';

describe('metadata names', () => {
  it("writes XtraBackup's names up to MariaDB 11.0 and for MySQL", () => {
    for (const server of [
      { flavour: 'mariadb', version: [10, 11, 19] },
      { flavour: 'mariadb', version: [11, 0, 2] },
      { flavour: 'mysql', version: [9, 7, 0] },
      { flavour: 'mysql', version: [11, 1, 0] },
    ] as const) {
      assert.equal(metadataNames(server).checkpoints, 'xtrabackup_checkpoints');
    }
  });

  it("writes MariaDB's own names from 11.1 on", () => {
    for (const version of [
      [11, 1],
      [11, 8, 3],
      [12, 0],
    ] as const) {
      const names = metadataNames({ flavour: 'mariadb', version });
      assert.equal(names.info, 'mariadb_backup_info');
      assert.equal(names.binlogPosInnodb, 'xtrabackup_binlog_pos_innodb');
    }
  });

  it('finds the role of every name that a server writes', () => {
    for (const version of [
      [10, 11],
      [11, 8],
    ] as const) {
      for (const [role, name] of Object.entries(metadataNames({ flavour: 'mariadb', version }))) {
        assert.equal(metadataRole(name), role);
      }
    }
    assert.equal(metadataRole('ibdata1'), undefined);
    assert.equal(metadataRole('constructor'), undefined);
    assert.deepEqual(acceptedNames.checkpoints, [
      'mariadb_backup_checkpoints',
      'xtrabackup_checkpoints',
    ]);
  });
});

describe('tool command', () => {
  const masked = (line: string): string => maskArgv(line.split(' '));

  it('masks what the reference tool masks, in the same form', () => {
    const commandOf = (name: string): string =>
      /tool_command = (.*)/u.exec(text(vector(`${name}/xtrabackup_info`)))?.[1] ?? '';
    assert.equal(
      masked(
        '--backup --target-dir=/tmp/m/full --socket=/tmp/m/s.sock --user=bk --password=secret',
      ),
      commandOf('full'),
    );
    assert.equal(
      masked(
        '--backup --target-dir=/tmp/m/inc --incremental-basedir=/tmp/m/full --socket=/tmp/m/s.sock --user=bk -psecret',
      ),
      commandOf('incremental'),
    );
    assert.equal(
      masked(
        '--backup --target-dir=/tmp/m/tmp2 --stream=mbstream --databases=d --history=nightly --socket /tmp/m/s.sock --user bk --password secret',
      ),
      commandOf('stream'),
    );
  });

  it('masks a password that is a word of its own after -p, which the reference tool does not', () => {
    assert.match(text(vector('nobinlog/xtrabackup_info')), /-p\.\.\. secret/u);
    assert.equal(masked('-u bk -p secret --backup'), '-u bk -p ... --backup');
    assert.equal(masked('-u bk -p --backup'), '-u bk -p --backup');
    assert.equal(masked('-vpsecret'), '-vp...');
  });

  it('masks keys, abbreviations, other spellings and any word that a key option takes', () => {
    for (const option of [
      '--encrypt-key',
      '--encrypt_key',
      '--ENCRYPT-KEY',
      '--encrypt-k',
      '--loose-encrypt-key',
      '--transition-key',
      '--pass',
      '--s3-secret-key',
      '--s3-session-token',
    ]) {
      assert.equal(masked(`${option}=a=b --x`), `${option}=... --x`);
      assert.equal(masked(`${option} ab --x`), `${option} ... --x`);
    }
    assert.equal(masked('--encrypt-key --x'), '--encrypt-key ...');
    assert.equal(maskArgv(['--password=two\nlines']), '--password=...');
  });

  it('leaves other options alone', () => {
    const line =
      '--encrypt=AES256 --encrypt-key-file=/k --encrypt-threads=2 -P 3306 -S/tmp/p.sock --parallel=4 --p';
    assert.equal(masked(line), line);
  });

  it('masks the password of a URL', () => {
    assert.equal(
      masked('--to s3://id:s3cr@t@bucket/a@b s3://bucket/a:b@c'),
      '--to s3://id:...@bucket/a@b s3://bucket/a:b@c',
    );
  });

  it('keeps an argument with a line break from forging a line', () => {
    assert.equal(maskArgv(['--name=a\nuuid = b']), '--name=a uuid = b');
  });
});
