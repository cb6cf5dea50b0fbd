import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  backupTypes,
  checkpointsRows,
  decodeCheckpoints,
  encodeCheckpoints,
  isFull,
  isIncremental,
  isPrepared,
  metadataBytesMax,
  validateCheckpoints,
} from '../../../formats/metadata/index.ts';
import { specTable } from '../../support/spec-table.ts';
import { byHand, text, utf8, vector, vectors } from './vector.ts';

const mysqlText = text(byHand('gtid/xtrabackup_checkpoints'));

const fails = (input: string, kind: string, field: string, offset: number): void => {
  assert.throws(
    () => decodeCheckpoints(utf8(input)),
    (error: unknown) => {
      assert.ok(error instanceof FormatError);
      assert.deepEqual([error.kind, error.field, error.offset], [kind, field, offset]);
      return true;
    },
  );
};

describe('checkpoints file', () => {
  it('writes every file of the reference tool again, byte for byte', () => {
    const all = vectors('xtrabackup_checkpoints');
    assert.equal(all.length, 7);
    for (const { path, bytes } of all) {
      const checkpoints = decodeCheckpoints(bytes);
      assert.equal(text(encodeCheckpoints(checkpoints)), text(bytes), path);
      assert.equal(validateCheckpoints(checkpoints), undefined, path);
    }
  });

  it('reads a full backup of MariaDB', () => {
    assert.deepEqual(decodeCheckpoints(vector('full/xtrabackup_checkpoints')), {
      backupType: 'full-backuped',
      fromLsn: 0n,
      toLsn: 44404n,
      lastLsn: 48077n,
      recoverBinlogInfo: 0n,
      others: [],
    });
  });

  it("writes and reads a full backup as MySQL's tool lays it out", () => {
    const full = { backupType: backupTypes.full, fromLsn: 0n, toLsn: 20556483n, others: [] };
    for (const [path, checkpoints] of [
      [
        'gtid/xtrabackup_checkpoints',
        {
          ...full,
          lastLsn: 20559112n,
          flushedLsn: 20556483n,
          redoMemory: 2097152n,
          redoFrames: 71n,
        },
      ],
      [
        'plain/xtrabackup_checkpoints',
        { ...full, lastLsn: 20556483n, flushedLsn: 0n, redoMemory: 0n, redoFrames: 0n },
      ],
    ] as const) {
      assert.equal(text(encodeCheckpoints(checkpoints)), text(byHand(path)), path);
      assert.deepEqual(decodeCheckpoints(byHand(path)), checkpoints, path);
      assert.equal(validateCheckpoints(checkpoints), undefined, path);
    }
  });

  it('keeps lines that it does not know', () => {
    const input = `${mysqlText}compact = 0\nfuture_key = a = b\n`;
    const checkpoints = decodeCheckpoints(utf8(input));
    assert.deepEqual(checkpoints.others, [
      ['compact', '0'],
      ['future_key', 'a = b'],
    ]);
    assert.equal(text(encodeCheckpoints(checkpoints)), input);
  });

  it('tells full, incremental and prepared backups apart', () => {
    const kinds = ['full', 'incremental', 'prepared'].map((name) => {
      const checkpoints = decodeCheckpoints(vector(`${name}/xtrabackup_checkpoints`));
      return [isFull(checkpoints), isIncremental(checkpoints), isPrepared(checkpoints)];
    });
    assert.deepEqual(kinds, [
      [true, false, false],
      [false, true, false],
      [true, false, true],
    ]);
  });

  it('calls a file that is cut anywhere damaged or not whole, unless whole lines remain', () => {
    const bytes = vector('full/xtrabackup_checkpoints');
    const whole: number[] = [];
    for (let cut = 0; cut < bytes.length; cut += 1) {
      try {
        decodeCheckpoints(bytes.subarray(0, cut));
        whole.push(cut);
      } catch (error) {
        assert.ok(error instanceof FormatError);
        assert.equal(error.kind, 'truncated', `cut at ${cut}`);
      }
    }
    // The one cut that leaves what older tools wrote: before recover_binlog_info.
    assert.deepEqual(whole, [text(bytes).indexOf('recover')]);
  });

  it('refuses a damaged line and says where it starts', () => {
    const ok = 'backup_type = full-backuped\n';
    fails(`${ok}from_lsn 0\n`, 'invalid', 'checkpoints > line', 28);
    fails(`${ok}from_lsn = -1\n`, 'invalid', 'checkpoints > from_lsn', 28);
    fails(`${ok}from_lsn = 0x10\n`, 'invalid', 'checkpoints > from_lsn', 28);
    fails(`${ok}from_lsn = 18446744073709551616\n`, 'invalid', 'checkpoints > from_lsn', 28);
    fails(`${ok}${ok}`, 'invalid', 'checkpoints > backup_type', 28);
    fails(`${ok}from lsn = 0\n`, 'invalid', 'checkpoints > key', 28);
    fails('backup_type = \n', 'invalid', 'checkpoints > backup_type', 0);
    fails(`backup_type = ${'x'.repeat(30)}\n`, 'invalid', 'checkpoints > backup_type', 0);
    fails(`${ok}from_lsn = 0\n`, 'truncated', 'checkpoints > to_lsn', 41);
    fails('\0'.repeat(97), 'truncated', 'checkpoints > line', 0);
  });

  it('reads the greatest LSN and refuses a file over the size limit', () => {
    const greatest = mysqlText.replace('last_lsn = 20559112', 'last_lsn = 18446744073709551615');
    assert.equal(decodeCheckpoints(utf8(greatest)).lastLsn, 2n ** 64n - 1n);
    fails('\n'.repeat(metadataBytesMax + 1), 'invalid', 'checkpoints > size', 0);
  });

  it('names the first rule that the values break', () => {
    const base = decodeCheckpoints(vector('incremental/xtrabackup_checkpoints'));
    assert.equal(validateCheckpoints({ ...base, fromLsn: 0n }), 'incremental with from_lsn 0');
    assert.equal(
      validateCheckpoints({ ...base, backupType: 'full-backuped' }),
      'full-backuped with from_lsn 44404',
    );
    assert.equal(
      validateCheckpoints({ ...base, toLsn: 44403n }),
      'from_lsn 44404 is past to_lsn 44403',
    );
    assert.equal(validateCheckpoints({ ...base, lastLsn: 1n }), 'to_lsn 44404 is past last_lsn 1');
  });

  it('does not write a value that breaks its line', () => {
    const base = decodeCheckpoints(vector('full/xtrabackup_checkpoints'));
    assert.throws(
      () => encodeCheckpoints({ ...base, others: [['key', 'a\nto_lsn = 1']] }),
      FormatError,
    );
    assert.throws(() => encodeCheckpoints({ ...base, backupType: 'two words' }), FormatError);
  });

  it('has the table of its spec', () => {
    assert.deepEqual(
      checkpointsRows.map((row) => [`\`${row.key}\``, row.form, row.description]),
      specTable('formats/metadata/checkpoints.md', ['key', 'form', 'description']),
    );
  });
});
