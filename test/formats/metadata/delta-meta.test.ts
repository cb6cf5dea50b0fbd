import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  decodeDeltaMeta,
  deltaMetaRows,
  encodeDeltaMeta,
  type DeltaMeta,
} from '../../../formats/metadata/index.ts';
import { specTable } from '../../support/spec-table.ts';
import { byHand, text, utf8, vector } from './vector.ts';

const mysql = text(byHand('delta/t.ibd.meta'));
const mariadb = text(vector('delta/still.ibd.meta'));

const fails = (input: string, kind: string, field: string, offset: number): void => {
  assert.throws(
    () => decodeDeltaMeta(utf8(input)),
    (error: unknown) => {
      assert.ok(error instanceof FormatError);
      const found = [error.kind, error.field, error.offset];
      assert.deepEqual(found, [kind, `delta meta > ${field}`, offset], input);
      return true;
    },
  );
};

describe('delta meta file', () => {
  it('reads the files of mariadb-backup and writes them again, byte for byte', () => {
    for (const [path, meta] of [
      ['delta/still.ibd.meta', { pageSize: 4096, zipSize: 0, spaceId: 5, others: [] }],
      ['delta/zip.ibd.meta', { pageSize: 1024, zipSize: 1024, spaceId: 8, others: [] }],
    ] as const) {
      assert.deepEqual(decodeDeltaMeta(vector(path)), meta);
      assert.equal(text(encodeDeltaMeta(meta)), text(vector(path)));
    }
  });

  it("reads and writes a file as MySQL's tools lay it out", () => {
    const meta = { pageSize: 16_384, zipSize: 0, spaceId: 5, spaceFlags: 16_417, others: [] };
    assert.deepEqual(decodeDeltaMeta(utf8(mysql)), meta);
    assert.equal(text(encodeDeltaMeta(meta)), mysql);
  });

  it('keeps lines that it does not know, and does not mind the order', () => {
    const meta = decodeDeltaMeta(utf8(`future = a = b\n${mysql}`));
    assert.deepEqual(meta.others, [['future', 'a = b']]);
    assert.equal(text(encodeDeltaMeta(meta)), `${mysql}future = a = b\n`);
  });

  it('calls a file that is cut anywhere not whole, unless it is cut before the space flags', () => {
    for (const input of [mysql, mariadb]) {
      const whole: number[] = [];
      for (let cut = 0; cut < input.length; cut += 1) {
        try {
          decodeDeltaMeta(utf8(input.slice(0, cut)));
          whole.push(cut);
        } catch (error) {
          assert.ok(error instanceof FormatError);
          assert.equal(error.kind, 'truncated', `cut at ${cut}`);
        }
      }
      assert.deepEqual(whole, input === mysql ? [input.indexOf('space_flags')] : []);
    }
  });

  it('refuses a damaged line and says where it starts', () => {
    const changed = (from: string, to: string): string => mysql.replace(from, to);
    const zip = mysql.indexOf('zip_size');
    const id = mysql.indexOf('space_id');
    const flags = mysql.indexOf('space_flags');
    for (const size of [0, 512, 3072, 131_072]) {
      fails(changed('16384', `${size}`), 'invalid', 'page_size', 0);
    }
    for (const value of ['-1', '0x10', '16384 ', '4294967296', '1'.repeat(400), '']) {
      fails(changed('16384', value), 'invalid', 'page_size', 0);
    }
    fails(changed('zip_size = 0', 'zip_size = 8192'), 'invalid', 'zip_size', zip);
    fails(changed('zip_size = 0', 'zip_size = 0  '), 'invalid', 'zip_size', zip);
    fails(changed('space_id = 5', 'space_id = 4294967295'), 'invalid', 'space_id', id);
    fails(changed('space_id = 5', 'space_id = 5 '), 'invalid', 'space_id', id);
    fails(changed('16417', '4294967296'), 'invalid', 'space_flags', flags);
    fails(changed('space_flags', 'space_id'), 'invalid', 'space_id', flags);
    fails(changed('space_id = 5\n', ''), 'truncated', 'space_id', mysql.length - 13);
    fails(changed('zip_size = 0', 'zip_size=0'), 'invalid', 'line', zip);
    fails('\0'.repeat(44), 'truncated', 'line', 0);
  });

  it('reads the greatest numbers', () => {
    const greatest = mysql.replace('= 5', '= 4294967294').replace('16417', '4294967295');
    const { spaceId, spaceFlags } = decodeDeltaMeta(utf8(greatest));
    assert.deepEqual([spaceId, spaceFlags], [0xffff_fffe, 0xffff_ffff]);
  });

  it('does not write what it would not read', () => {
    const meta: DeltaMeta = { pageSize: 16_384, zipSize: 0, spaceId: 5, others: [] };
    for (const wrong of [
      { pageSize: 1000 },
      { zipSize: 1024 },
      { spaceId: -1 },
      { spaceId: 0xffff_ffff },
      { spaceId: 0.5 },
      { spaceFlags: 2 ** 32 },
      { others: [['key', 'a\nb']] as const },
    ]) {
      assert.throws(() => encodeDeltaMeta({ ...meta, ...wrong }), FormatError);
    }
  });

  it('has the table of its spec', () => {
    assert.deepEqual(
      deltaMetaRows.map((row) => [`\`${row.key}\``, row.form, row.description]),
      specTable('formats/metadata/delta-meta.md', ['key', 'form', 'description']),
    );
  });
});
