import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as records from '../../../formats/archive-record/index.ts';
import { encodeEnd as encodeEndChunk } from '../../../formats/xbstream/index.ts';
import { specTable } from '../../support/spec-table.ts';
import { asObject, begin, end, entry, manifest, systemFiles } from './samples.ts';

const spec = 'formats/archive-record/archive-record.md';

/** The fields of the `index`th table of fields: of begin record, index, member and so on. */
const fieldsOf = (index: number): (string | undefined)[] =>
  specTable(spec, ['field', 'form', 'description'], index).map(([field]) =>
    field?.replaceAll('`', ''),
  );

const keysOf = (bytes: Uint8Array): string[] => Object.keys(asObject(bytes));

describe('archive-record.md', () => {
  const index = Buffer.concat([...records.encodeIndex('id', [entry])]);

  it('has the fields of every record in the order in which they are written', () => {
    const members = asObject(index)['members'] as object[];
    const objects = asObject(records.encodeManifest(manifest))['objects'] as object[];
    assert.deepEqual(fieldsOf(0), keysOf(records.encodeBegin(begin)));
    assert.deepEqual(fieldsOf(1), Object.keys(begin.pageTracking ?? {}));
    assert.deepEqual(fieldsOf(2), keysOf(index));
    assert.deepEqual(fieldsOf(3), Object.keys(members[0] ?? {}));
    assert.deepEqual(fieldsOf(4), Object.keys(entry.delta ?? {}));
    assert.deepEqual(fieldsOf(5), keysOf(records.encodeEnd(end)));
    assert.deepEqual(fieldsOf(6), keysOf(records.encodeManifest(manifest)));
    assert.deepEqual(fieldsOf(7), Object.keys(manifest.binlog ?? {}));
    assert.deepEqual(fieldsOf(8), Object.keys(objects[0] ?? {}));
    const sizes = asObject(records.encodeSystemFiles(systemFiles));
    assert.deepEqual(fieldsOf(9), Object.keys(sizes));
    assert.deepEqual(fieldsOf(10), Object.keys((sizes['files'] as object[])[0] ?? {}));
    assert.deepEqual(fieldsOf(11), []);
  });

  it('names the members and states the version and the limits of the code', () => {
    const text = readFileSync(spec, 'utf8');
    const { beginName, indexName, endName, manifestName, archiveName, systemFilesName } = records;
    const names = [beginName, indexName, endName, manifestName, archiveName, systemFilesName];
    for (const name of names) {
      assert.ok(text.includes(`\`${name}\``), name);
    }
    const limits = specTable(spec, ['limit', 'value', 'why']).map(([, value]) => value);
    const perMember = records.indexBytesMax(1, 0) - records.indexBytesMax(0, 0);
    const perChunk = records.indexBytesMax(0, 1) - records.indexBytesMax(0, 0);
    assert.deepEqual(limits, [
      `${records.beginBytesMax / 1024} KiB`,
      `${records.indexBytesMax(0, 0) / 1024} KiB + ${perMember / 1024} KiB a member + ${perChunk} bytes a chunk`,
      `${records.endBytes} bytes, exactly`,
      `${records.manifestBytesMax / 1024 / 1024} MiB`,
    ]);
    assert.equal(records.recordFormat, 1);
    assert.ok(text.includes(`an end chunk of ${encodeEndChunk(endName).length} bytes`));
  });

  it('names the objects of an archive as the code does, and the code knows them and no others', () => {
    const rows = specTable(spec, ['ordinal', 'object']);
    assert.equal(rows.length, 4);
    for (const [ordinal, name] of rows) {
      assert.equal(name, `\`${records.archiveNameOf(Number(ordinal))}\``);
    }
    for (let ordinal = 1; ordinal < 20_000; ordinal += 7) {
      assert.ok(records.isArchiveName(records.archiveNameOf(ordinal)), String(ordinal));
    }
    const others =
      'archive.0001.xbs archive.0000.xbs archive.2.xbs archive.00002.xbs archive.xbs.1 archive..xbs ' +
      'archive.0002.xbs2 xarchive.xbs archive2.xbs archive.-002.xbs archive.0002 a/archive.xbs ' +
      `archive.${'9'.repeat(30)}.xbs `;
    for (const name of others.split(' ')) {
      assert.ok(!records.isArchiveName(name), name);
    }
  });
});
