import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  decodeTablespaces,
  encodeTablespaces,
  type TablespaceEntry,
  tablespacesBytesMax,
  tablespacesRows,
} from '../../../formats/metadata/index.ts';
import { seededRandom } from '../../support/random.ts';
import { specTable } from '../../support/spec-table.ts';
import { byHand, text, utf8 } from './vector.ts';

const lists: Record<string, TablespaceEntry[]> = {
  gtid: [
    { fileName: '/disk2/d/t.ibd', tablespaceName: 'd/t', type: 'TABLESPACE' },
    { fileName: '/disk2/"größe" \\1.ibd', tablespaceName: 'größe', type: 'TABLESPACE' },
    { fileName: '/undo/undo_001', tablespaceName: 'innodb_undo_001', type: 'UNDO_LOG' },
  ],
  plain: [
    { fileName: '/var/lib/mysql/undo_001', tablespaceName: 'innodb_undo_001', type: 'UNDO_LOG' },
    { fileName: '/var/lib/mysql/undo_002', tablespaceName: 'innodb_undo_002', type: 'UNDO_LOG' },
  ],
};

/** What is wrong with the bytes: kind, field and offset of the error. */
const fault = (bytes: Uint8Array | string): string => {
  try {
    decodeTablespaces(typeof bytes === 'string' ? utf8(bytes) : bytes);
    return 'none';
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return `${error.kind} ${error.field} ${error.offset}`;
  }
};

const good = { file_name: '/f', tablespace_name: 't', tablespace_type: 'TABLESPACE' };

/** A file of a good entry and this one. */
const entryText = (entry: unknown): string =>
  JSON.stringify({ version: 2, external_tablespaces: [good, entry] });

describe('tablespaces file', () => {
  it("writes and reads the file as MySQL's tool lays it out", () => {
    for (const [name, list] of Object.entries(lists)) {
      const bytes = byHand(`${name}/xtrabackup_tablespaces`);
      assert.equal(text(encodeTablespaces(list)), text(bytes), name);
      assert.deepEqual(decodeTablespaces(bytes), list, name);
    }
  });

  it('writes and reads an empty list', () => {
    const empty = '{"version":2,"external_tablespaces":[]}';
    assert.equal(text(encodeTablespaces([])), empty);
    assert.deepEqual(decodeTablespaces(utf8(empty)), []);
  });

  it('takes an entry without a type for a TABLESPACE, and keys it does not know', () => {
    const input = `{"version":1,"x":[],"external_tablespaces":[
      {"file_name":"/f","tablespace_name":"t","y":null}]}\n`;
    assert.deepEqual(decodeTablespaces(utf8(input)), [
      { fileName: '/f', tablespaceName: 't', type: 'TABLESPACE' },
    ]);
  });

  it('refuses a newer version before it looks at the rest', () => {
    assert.equal(
      fault('{"version":3,"external_tablespaces":{}}'),
      'invalid tablespaces > version 0',
    );
  });

  it('refuses a wrong value and names its field', () => {
    for (const version of ['"2"', '-1', '1.5', 'null', '1e400']) {
      const input = `{"version":${version},"external_tablespaces":[]}`;
      assert.equal(fault(input), 'invalid tablespaces > version 0', version);
    }
    assert.equal(fault('{"external_tablespaces":[]}'), 'invalid tablespaces > version 0');
    for (const list of ['', ',"external_tablespaces":{}', ',"external_tablespaces":null']) {
      const expected = 'invalid tablespaces > external_tablespaces 0';
      assert.equal(fault(`{"version":2${list}}`), expected, list);
    }
    for (const input of ['[]', '2', 'null', '"x"', '{', '\ufeff{}']) {
      assert.equal(fault(input), 'invalid tablespaces 0', input);
    }
  });

  it('refuses a wrong entry and names its number and field', () => {
    const at = 'invalid tablespaces > external_tablespaces[1]';
    for (const entry of [null, 1, 'x', []]) assert.equal(fault(entryText(entry)), `${at} 0`);
    for (const key of ['file_name', 'tablespace_name']) {
      for (const value of [undefined, null, 1, '', 'a\0b', '\ud800', ['a'], {}]) {
        const entry = { ...good, [key]: value };
        assert.equal(fault(entryText(entry)), `${at} > ${key} 0`, JSON.stringify(value));
      }
    }
    for (const value of [null, 1, '', 'tablespace', 'UNDO LOG', 'TEMPORARY', 'toString']) {
      const entry = { ...good, tablespace_type: value };
      assert.equal(fault(entryText(entry)), `${at} > tablespace_type 0`, String(value));
    }
  });

  it('refuses a file that is cut anywhere', () => {
    for (const name of Object.keys(lists)) {
      const bytes = byHand(`${name}/xtrabackup_tablespaces`);
      assert.equal(fault(bytes.subarray(0, 0)), 'truncated tablespaces 0');
      for (let cut = 1; cut < bytes.length; cut += 1) {
        assert.equal(fault(bytes.subarray(0, cut)), 'invalid tablespaces 0', `cut at ${cut}`);
      }
    }
  });

  it('refuses a file over the size limit without parsing it, and does not write one', () => {
    const padded = new Uint8Array(tablespacesBytesMax + 1).fill(0x20);
    padded.set(utf8('{"version":2,"external_tablespaces":[]}'));
    assert.equal(fault(padded), 'invalid tablespaces > size 0');
    assert.equal(fault(padded.subarray(0, -1)), 'none');
    const fileName = 'f'.repeat(tablespacesBytesMax);
    assert.throws(
      () => encodeTablespaces([{ fileName, tablespaceName: 't', type: 'TABLESPACE' }]),
      /tablespaces > size/u,
    );
  });

  it('refuses deep nesting and a long wrong text with a short message', () => {
    assert.equal(fault('['.repeat(1_000_000)), 'invalid tablespaces 0');
    const entry = { ...good, tablespace_type: 'x'.repeat(1_000_000) };
    assert.throws(
      () => decodeTablespaces(utf8(entryText(entry))),
      (error: unknown) => error instanceof FormatError && error.message.length < 300,
    );
  });

  it('reads or refuses changed bytes, and what it reads it writes as it was', () => {
    const random = seededRandom(1);
    const original = byHand('gtid/xtrabackup_tablespaces');
    let read = 0;
    let refused = 0;
    for (let round = 0; round < 3000; round += 1) {
      const bytes = original.slice();
      bytes[random.below(bytes.length)] = random.below(256);
      if (fault(bytes) === 'none') {
        const list = decodeTablespaces(bytes);
        assert.deepEqual(decodeTablespaces(encodeTablespaces(list)), list);
        read += 1;
      } else {
        refused += 1;
      }
    }
    assert.ok(read > 0 && refused > 0, `${read} read, ${refused} refused`);
  });

  it('does not write what it would not read', () => {
    const entry = lists['plain']?.[0] ?? assert.fail('no entry');
    for (const name of ['', 'a\0', '\udfff']) {
      assert.throws(() => encodeTablespaces([{ ...entry, fileName: name }]), /file_name/u);
      assert.throws(() => encodeTablespaces([{ ...entry, tablespaceName: name }]), /_name/u);
    }
  });

  it('has the table of its spec, which is the order of the file', () => {
    assert.deepEqual(
      tablespacesRows.map((row) => [`\`${row.key}\``, row.form, row.description]),
      specTable('formats/metadata/tablespaces.md', ['key', 'form', 'description']),
    );
    const one = text(encodeTablespaces(lists['gtid']?.slice(0, 1) ?? []));
    assert.deepEqual(
      [...one.matchAll(/"(\w+)":/gu)].map(([, key]) => key),
      tablespacesRows.map((row) => row.key),
    );
  });
});
