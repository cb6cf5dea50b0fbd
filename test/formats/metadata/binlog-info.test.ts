import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  binlogInfoRows,
  decodeBinlogInfo,
  encodeBinlogInfo,
} from '../../../formats/metadata/index.ts';
import { specTable } from '../../support/spec-table.ts';
import { byHand, gtidSet, text, utf8, vector, vectors } from './vector.ts';

describe('binlog info file', () => {
  it('writes every file of the reference tool again, byte for byte', () => {
    const all = vectors('xtrabackup_binlog_info');
    assert.equal(all.length, 4);
    for (const { path, bytes } of all) {
      assert.equal(text(encodeBinlogInfo(decodeBinlogInfo(bytes))), text(bytes), path);
    }
  });

  it('reads a position with a GTID, with an empty one and without', () => {
    assert.deepEqual(decodeBinlogInfo(vector('full/xtrabackup_binlog_info')), {
      file: 'binlog.000001',
      position: 1082n,
      gtid: '0-3-5',
    });
    assert.equal(decodeBinlogInfo(vector('odd/xtrabackup_binlog_info')).gtid, '');
    assert.deepEqual(decodeBinlogInfo(byHand('plain/xtrabackup_binlog_info')), {
      file: 'binlog.000004',
      position: 157n,
    });
  });

  it('writes two fields without a GTID set and joins one of several lines', () => {
    assert.equal(
      text(encodeBinlogInfo({ file: 'binlog.000004', position: 157n })),
      text(byHand('plain/xtrabackup_binlog_info')),
    );
    assert.equal(
      text(encodeBinlogInfo({ file: 'binlog.000004', position: 1157n, gtid: gtidSet })),
      text(byHand('gtid/xtrabackup_binlog_info')),
    );
    assert.equal(
      decodeBinlogInfo(byHand('gtid/xtrabackup_binlog_info')).gtid,
      gtidSet.replace('\n', ''),
    );
  });

  it('refuses a cut or damaged line', () => {
    const kindOf = (bytes: Uint8Array): string => {
      try {
        decodeBinlogInfo(bytes);
        return 'none';
      } catch (error) {
        assert.ok(error instanceof FormatError);
        return error.kind;
      }
    };
    const bytes = vector('full/xtrabackup_binlog_info');
    for (let cut = 0; cut < bytes.length; cut += 1) {
      assert.equal(kindOf(bytes.subarray(0, cut)), 'truncated', `cut at ${cut}`);
    }
    assert.equal(kindOf(utf8('binlog.1\n')), 'invalid');
    assert.equal(kindOf(utf8('\t4\n')), 'invalid');
    assert.equal(kindOf(utf8('binlog.1\tfour\n')), 'invalid');
    assert.equal(kindOf(utf8('binlog.1\t4\tg\tmore\n')), 'invalid');
    assert.equal(kindOf(utf8('binlog.1\t4\nbinlog.2\t4\n')), 'invalid');
    assert.equal(kindOf(utf8('binlog.1\t4\t0\r3-6\n')), 'invalid');
    assert.equal(kindOf(new Uint8Array([0xff, 0x09, 0x34, 0x0a])), 'invalid');
  });

  it('does not write a field that would be read back as two', () => {
    assert.throws(() => encodeBinlogInfo({ file: 'a\tb', position: 4n }), FormatError);
    assert.throws(() => encodeBinlogInfo({ file: 'a\nb', position: 4n }), FormatError);
    assert.throws(() => encodeBinlogInfo({ file: '', position: 4n }), FormatError);
  });

  it('has the table of its spec', () => {
    assert.deepEqual(
      binlogInfoRows.map((row) => [`\`${row.key}\``, row.form, row.description]),
      specTable('formats/metadata/binlog-info.md', ['key', 'form', 'description']),
    );
  });
});
