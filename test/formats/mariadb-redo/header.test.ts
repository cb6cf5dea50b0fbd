import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32c } from '../../../formats/crc.ts';
import { dataView } from '../../../formats/layout.ts';
import {
  checkpointTable,
  decodeLogHeader,
  encodeBackupHeader,
  encodeCheckpoint,
  encodeLogHeader,
  logHeaderTable,
  newestCheckpoint,
  type LogHeader,
} from '../../../formats/mariadb-redo/index.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import { vector } from './support.ts';

const specRows = (file: string): string[][] =>
  specTable(`formats/mariadb-redo/${file}`, layoutTitles);

describe('the specs', () => {
  it('have the field tables of the code', () => {
    assert.deepEqual(specRows('log-header.md'), layoutRows(logHeaderTable));
    assert.deepEqual(specRows('checkpoint.md'), layoutRows(checkpointTable));
    assert.deepEqual([logHeaderTable.size, checkpointTable.size], [512, 64]);
  });
});

describe('a log header', () => {
  it('of a live server is read', () => {
    assert.deepEqual(decodeLogHeader(vector('live-wrap')), {
      format: 'plain',
      firstLsn: 12_288n,
      creator: 'MariaDB 10.11.19',
      keyBlock: undefined,
    });
  });

  it('of an encrypted backup has a key block', () => {
    const header = decodeLogHeader(vector('backup-encrypted'));
    assert.equal(header.format, 'encrypted');
    assert.equal(
      Buffer.from(header.keyBlock ?? []).toString('hex'),
      '0000000100000001bbdabc4fdf34687ef7ade4b7695745200d1ec9c5',
    );
  });

  it('with a key block under the plain format is the older way to encrypt', () => {
    const { keyBlock } = decodeLogHeader(vector('backup-encrypted'));
    const header: LogHeader = {
      format: 'plain with key block',
      firstLsn: 20_000n,
      creator: 'MariaDB 10.11.8',
      keyBlock,
    };
    assert.deepEqual(decodeLogHeader(encodeLogHeader(header)), header);
  });

  it('is encoded to the bytes of mariadb-backup', () => {
    for (const name of ['backup-idle', 'backup-encrypted', 'prepared']) {
      const bytes = vector(name).subarray(0, 512);
      assert.deepEqual(encodeLogHeader(decodeLogHeader(bytes)), bytes);
    }
  });

  it('is truncated below 512 bytes, whatever the cut', () => {
    const bytes = vector('backup-idle');
    for (let cut = 0; cut < 512; cut++) {
      assert.throws(() => decodeLogHeader(bytes.subarray(0, cut)), { kind: 'truncated' });
    }
  });

  it('of another format is refused by its number', () => {
    const refuses = (format: number, message: RegExp): void => {
      const bytes = vector('backup-idle').subarray(0, 512);
      dataView(bytes).setUint32(0, format);
      dataView(bytes).setUint32(508, crc32c(bytes.subarray(0, 508)));
      assert.throws(() => decodeLogHeader(bytes), { kind: 'invalid', message });
    };
    refuses(0x50485953, /format at byte 0: 0x50485953 .*MariaDB 10\.5 to 10\.7/);
    refuses(0xd0485953, /0xd0485953 .*MariaDB 10\.5 to 10\.7/);
    refuses(104, /0x00000068 .*MariaDB 10\.4/);
    refuses(6, /0x00000006 .*MySQL 8\.0\.30/);
    refuses(0xabcdef01, /0xabcdef01 is not the format of MariaDB 10\.8 or later$/);
  });

  it('with a first lsn inside the header is refused', () => {
    const bytes = encodeLogHeader({
      format: 'plain',
      firstLsn: 12_287n,
      creator: '',
      keyBlock: undefined,
    });
    assert.throws(() => decodeLogHeader(bytes), { kind: 'invalid', offset: 8, message: /12287/ });
  });
});

describe('the newest checkpoint', () => {
  const header = (first: Uint8Array, second: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(12_288);
    bytes.set(first, 4096);
    bytes.set(second, 8192);
    return bytes;
  };
  const block = (checkpointLsn: bigint, endLsn: bigint): Uint8Array =>
    encodeCheckpoint({ checkpointLsn, endLsn });
  const torn = (bytes: Uint8Array): Uint8Array => {
    bytes[20] = 1;
    return bytes;
  };

  it('of a live log is what the server said', () => {
    const found = newestCheckpoint(vector('live-wrap'), 12_288n);
    assert.deepEqual(found, { checkpointLsn: 4_169_020n, endLsn: 4_169_020n });
  });

  it('is the larger one, in whichever block', () => {
    const [old, young] = [block(20_000n, 30_000n), block(25_000n, 25_000n)];
    const found = { checkpointLsn: 25_000n, endLsn: 25_000n };
    assert.deepEqual(newestCheckpoint(header(old, young), 12_288n), found);
    assert.deepEqual(newestCheckpoint(header(young, old), 12_288n), found);
  });

  it('is the one in block 2 on a tie', () => {
    const found = newestCheckpoint(header(block(20_000n, 30_000n), block(20_000n, 31_000n)), 0n);
    assert.deepEqual(found, { checkpointLsn: 20_000n, endLsn: 31_000n });
  });

  it('is the other one when a block is torn, or outside the log', () => {
    const good = block(20_000n, 20_000n);
    const found = { checkpointLsn: 20_000n, endLsn: 20_000n };
    assert.deepEqual(newestCheckpoint(header(good, torn(block(30_000n, 30_000n))), 1n), found);
    assert.deepEqual(newestCheckpoint(header(block(30_000n, 29_999n), good), 1n), found);
    assert.equal(newestCheckpoint(header(good, torn(block(30_000n, 30_000n))), 20_001n), undefined);
  });

  it('is absent when both blocks are zero', () => {
    assert.equal(newestCheckpoint(new Uint8Array(12_288), 0n), undefined);
  });

  it('wants the whole 12288 bytes', () => {
    assert.throws(() => newestCheckpoint(new Uint8Array(12_287), 0n), { kind: 'truncated' });
  });
});

describe('the header of a backup', () => {
  it('is byte for byte what mariadb-backup writes', () => {
    for (const name of ['backup-idle', 'backup-end-lsn', 'backup-encrypted', 'prepared']) {
      const bytes = vector(name).subarray(0, 12_288);
      const source = decodeLogHeader(bytes);
      const checkpoint = newestCheckpoint(bytes, source.firstLsn);
      assert.ok(checkpoint);
      const live = { ...source, firstLsn: 12_288n, creator: 'MariaDB 10.11.19' };
      const made = encodeBackupHeader({ source: live, ...checkpoint, creator: 'Backup 10.11.19' });
      assert.deepEqual(made, bytes, name);
    }
  });

  it('refuses a creator that a server does not take for a backup, and lsns in the wrong order', () => {
    const source: LogHeader = {
      format: 'plain',
      firstLsn: 15_000n,
      creator: 'MariaDB',
      keyBlock: undefined,
    };
    const make = (checkpointLsn: bigint, endLsn: bigint, creator: string) => () =>
      encodeBackupHeader({ source, checkpointLsn, endLsn, creator });
    assert.throws(make(15_000n, 15_000n, 'xbpipe 1'), RangeError);
    assert.throws(make(15_000n, 15_000n, `Backup ${'x'.repeat(25)}`), RangeError);
    assert.throws(make(14_999n, 15_000n, 'Backup 1'), RangeError);
    assert.throws(make(15_001n, 15_000n, 'Backup 1'), RangeError);
    assert.equal(make(15_000n, 15_000n, `Backup ${'x'.repeat(24)}`)().length, 12_288);
  });
});
