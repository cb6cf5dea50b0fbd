import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modernArguments } from '../../src/cli/xtrabackup-arguments.ts';

const modern = (line: string): string => modernArguments(line.split(' ')).join(' ');

describe('arguments written for xtrabackup', () => {
  it('become a command and its options', () => {
    assert.equal(
      modern('--backup --stream=xbstream --parallel=2'),
      'backup --stream=xbstream --parallel=2',
    );
    assert.equal(
      modern('--defaults-file=/etc/my.cnf --user root --backup --target-dir=/b'),
      'backup --defaults-file=/etc/my.cnf --user root --target-dir=/b',
    );
  });

  it('may have underscores in names, which values keep', () => {
    assert.equal(
      modern('--backup --lock_ddl=ON --target_dir=/my_dir -u my_user'),
      'backup --lock-ddl=ON --target-dir=/my_dir -u my_user',
    );
    assert.equal(modern('backup --lock_ddl_timeout=9'), 'backup --lock-ddl-timeout=9');
  });

  it('name the directory to prepare by --target-dir, attached or as the next word', () => {
    assert.equal(modern('--prepare --target-dir=/b'), 'prepare /b');
    assert.equal(
      modern('--target_dir /b --prepare --server-binary=/s'),
      'prepare --server-binary=/s /b',
    );
    assert.equal(modern('--prepare'), 'prepare');
    assert.equal(modern('--prepare --target-dir'), 'prepare');
  });

  it('name increments by either of their options, with or without a command of ours', () => {
    assert.equal(
      modern('--prepare --apply-redo-only --target-dir=/b --prepare-incremental-from-dir=/i'),
      'prepare --apply-redo-only --prepare-incremental-from-dir=/i /b',
    );
    assert.equal(
      modern('prepare /b --prepare_incremental_from_dir /i --apply_log_only'),
      'prepare /b --prepare-incremental-from-dir /i --apply-log-only',
    );
  });

  it('may name a --target-dir that a streamed backup does not need', () => {
    for (const line of [
      '--backup --stream=xbstream --target-dir=/tmp --parallel=2',
      '--backup --target-dir /tmp --stream=xbstream --parallel=2',
    ]) {
      assert.equal(modern(line), 'backup --stream=xbstream --parallel=2');
    }
  });

  it('may ask for an increment, in the words of any version', () => {
    for (const option of ['--incremental-basedir=/p', '--backup-incremental-base=/p']) {
      const spelled = option.replaceAll('-', '_').replace('__', '--');
      assert.equal(
        modern(`--backup ${spelled} --target-dir=/b`),
        `backup ${option} --target-dir=/b`,
      );
    }
    assert.equal(modern('--incremental_lsn=5 --backup'), 'backup --incremental-lsn=5');
  });

  it('are left alone behind a command, and when there is nothing to translate', () => {
    for (const line of [
      'backup --backup --target-dir=/b --stream',
      'extract --from=x constructor',
      '--help constructor',
      '--version',
    ]) {
      assert.equal(modern(line), line);
    }
    assert.deepEqual(modernArguments([]), []);
  });
});
