import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { crc32c } from '../../../formats/crc.ts';
import {
  type FileRecord,
  confineFilePaths,
  confinedPath,
  scanMiniTransactions,
} from '../../../formats/mariadb-redo/index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Database and file are the last two components, but for one table that was renamed. */
const insider = (path: string): string =>
  path === '/disk2/old/t2.ibd' ? 'new/t.ibd' : path.split('/').slice(-2).join('/');

function confined(path: string): string | undefined {
  const found = confinedPath(bytes(path), insider);
  return found && new TextDecoder().decode(found);
}

/** A FILE record: high half of the first byte, space id below 128, page 0, path. */
function fileRecord(code: number, spaceId: number, path: string): Uint8Array {
  const body = Uint8Array.of(spaceId, 0, ...bytes(path));
  assert.ok(body.length - 15 < 128, 'the length takes one byte more');
  return body.length < 16
    ? Uint8Array.of((code << 4) | body.length, ...body)
    : Uint8Array.of(code << 4, body.length + 1 - 15, ...body);
}

function miniTransaction(records: Uint8Array[]): Uint8Array {
  const all = Uint8Array.from(records.flatMap((record) => [...record]));
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(all));
  return Uint8Array.from([...all, 1, ...crc]);
}

function recordsOf(window: Uint8Array): FileRecord[] {
  const records: FileRecord[] = [];
  const scan = scanMiniTransactions(window, 0, {
    sequenceBit: () => 1,
    nonceBytes: 0,
    limitLsn: window.length,
    onFileRecord: (record) => records.push(record),
  });
  assert.equal(scan.consumed, window.length, scan.reason);
  return records;
}

describe('a path in the redo log of a backup', () => {
  it('stays as it is inside the data directory', () => {
    assert.equal(confined('./db/t.ibd'), undefined);
    assert.equal(confined('./db/t#P#p0.ibd'), undefined);
  });

  it('moves inside at the same length when it is absolute or leaves the directory', () => {
    assert.equal(confined('/disk2/db/t.ibd'), './/////db/t.ibd');
    for (const path of ['/disk2/data/db/t.ibd', '../other/db/t.ibd', './a/../../db/t.ibd']) {
      const inside = confined(path) ?? '';
      assert.equal(inside.length, path.length);
      assert.match(inside, /^\.\/+db\/t\.ibd$/u);
    }
  });

  it('moves to where the table lies in the backup, when that is another database', () => {
    assert.equal(confined('/disk2/old/t2.ibd'), './//////new/t.ibd');
  });

  it('is refused when there is no room for a directory of its own', () => {
    assert.throws(() => confined('/db/t.ibd'), /too short/u);
    assert.throws(() => confined('t.ibd'), /too short/u);
  });
});

describe('confining the FILE records of a mini-transaction', () => {
  it('changes every path outside, renews the CRC and leaves the rest alone', () => {
    const window = miniTransaction([
      fileRecord(0xb, 5, '/srv/disk2/db/t.ibd'),
      fileRecord(0xb, 6, './db/inside.ibd'),
      fileRecord(0xa, 7, '/srv/disk2/db/a.ibd\0/srv/disk2/db/b.ibd'),
      fileRecord(0x9, 8, '/srv/disk2/db/gone.ibd'),
    ]);
    assert.equal(confineFilePaths(window, 0, window.length, { nonceBytes: 0, insider }), 4);
    const found = recordsOf(window).map((record) =>
      'path' in record ? [record.type, record.spaceId, record.path.replace(/\/+/gu, '/')] : record,
    );
    assert.deepEqual(found, [
      ['modify', 5, './db/t.ibd'],
      ['modify', 6, './db/inside.ibd'],
      ['rename', 7, './db/a.ibd'],
      ['delete', 8, './db/gone.ibd'],
    ]);
    const renamed = recordsOf(window)[2];
    assert.match(renamed?.type === 'rename' ? renamed.newPath : '', /^\.\/+db\/b\.ibd$/u);
  });

  it('changes nothing when it is done again, or when all is inside', () => {
    const window = miniTransaction([fileRecord(0xb, 6, './db/inside.ibd')]);
    const before = Uint8Array.from(window);
    assert.equal(confineFilePaths(window, 0, window.length, { nonceBytes: 0, insider }), 0);
    assert.deepEqual(window, before);
  });
});
