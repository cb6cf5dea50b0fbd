import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeCheckpoint,
  decodeLogHeader,
  encodeBackupHeader,
  encodeServerHeader,
  encryptionBlock,
  type LogFlag,
} from '../../../formats/mysql-redo/index.ts';
import { encrypted, flipped, live, vector } from './support.ts';

const startedAt = new Date('2026-11-21T04:05:06.789Z');

describe('the header of a backup', () => {
  it('names the checkpoint twice and begins with its block', () => {
    const source = vector('live');
    const made = encodeBackupHeader({ source, checkpointLsn: live.checkpoint, startedAt });
    assert.equal(made.length, 2048);
    assert.deepEqual(decodeLogHeader(made), {
      logUuid: 0x375d_1d0c,
      startLsn: live.blocksFrom,
      creator: 'xtrabkup 261121 04:05:06',
      flags: [],
    });
    const checkpoint = source.slice(512, 1024);
    assert.deepEqual(made.slice(512, 1024), checkpoint);
    assert.deepEqual(made.slice(1536), checkpoint);
    assert.ok(made.subarray(1024, 1536).every((byte) => byte === 0));
  });

  it('has the key of an encrypted log', () => {
    const source = vector('encrypted');
    const made = encodeBackupHeader({ source, checkpointLsn: encrypted.checkpoint, startedAt });
    assert.deepEqual(made.slice(1024, 1536), source.slice(1024, 1536));
  });

  it('is not flagged full, though the file of the checkpoint was', () => {
    const source = vector('full-checkpoints');
    const made = encodeBackupHeader({ source, checkpointLsn: 142_604_049, startedAt });
    assert.deepEqual(decodeLogHeader(made).flags, []);
  });

  it('is not made while redo logging is disabled', () => {
    const source = vector('disabled');
    const checkpointLsn = decodeLogHeader(source).startLsn + 12;
    assert.throws(() => encodeBackupHeader({ source, checkpointLsn, startedAt }), {
      kind: 'invalid',
      field: 'redo log header > flags',
      message: /noLogging: nothing can be recovered/,
    });
  });

  it('is not made for a checkpoint that cannot be', () => {
    const source = vector('live');
    const { startLsn } = decodeLogHeader(source);
    for (const checkpointLsn of [
      0,
      12,
      startLsn - 5,
      startLsn - 1,
      startLsn,
      startLsn + 11,
      startLsn + 508,
    ]) {
      const make = (): unknown => encodeBackupHeader({ source, checkpointLsn, startedAt });
      assert.throws(make, RangeError, `${checkpointLsn}`);
    }
    const first = encodeBackupHeader({ source, checkpointLsn: startLsn + 12, startedAt });
    assert.equal(decodeLogHeader(first).startLsn, startLsn);
  });

  it('is not made from a cut or damaged header', () => {
    const source = vector('encrypted').subarray(0, 2048);
    const { checkpoint: checkpointLsn } = encrypted;
    const make = (bytes: Uint8Array) => () =>
      encodeBackupHeader({ source: bytes, checkpointLsn, startedAt });
    for (let cut = 0; cut < 1536; cut++) {
      assert.throws(make(source.subarray(0, cut)), { kind: 'truncated' }, `cut at ${cut}`);
    }
    for (let bit = 0; bit < 512 * 8; bit++) {
      assert.throws(make(flipped(source, bit)), { kind: 'invalid' }, `bit ${bit}`);
    }
  });
});

describe('the header of a file for recovery', () => {
  const header = (name: 'live' | 'encrypted', checkpointLsn: number): Uint8Array =>
    encodeBackupHeader({ source: vector(name), checkpointLsn, startedAt });
  const make = (backupHeader: Uint8Array, startLsn: number, flags: LogFlag[] = []): Uint8Array =>
    encodeServerHeader({ backupHeader, serverVersion: '9.7.4-2', startLsn, flags });

  it('names the checkpoint in the first file', () => {
    const made = make(header('live', live.checkpoint), live.blocksFrom);
    assert.deepEqual(decodeLogHeader(made), {
      logUuid: 0x375d_1d0c,
      startLsn: live.blocksFrom,
      creator: 'MySQL 9.7.4',
      flags: [],
    });
    const named = [decodeCheckpoint(made, 512), decodeCheckpoint(made, 1536)];
    assert.deepEqual(named, [live.checkpoint, live.checkpoint]);
  });

  it('is byte for byte what a server writes in a full file without checkpoint', () => {
    const { startLsn } = decodeLogHeader(vector('full'));
    const backup = header('live', live.checkpoint);
    assert.throws(() => make(backup, startLsn, ['full']), RangeError);
    const source = vector('full-checkpoints');
    const older = encodeBackupHeader({ source, checkpointLsn: 142_604_049, startedAt });
    assert.deepEqual(make(older, startLsn, ['full']), vector('full').slice(0, 2048));
  });

  it('has the key of an encrypted log where it has the checkpoint', () => {
    const backup = header('encrypted', encrypted.checkpoint);
    const key = vector('encrypted').slice(1024, 1536);
    assert.deepEqual(make(backup, encrypted.blocksFrom).slice(1024, 1536), key);
    const later = make(backup, encrypted.blocksFrom + 65_536);
    assert.equal(encryptionBlock(later), undefined);
    assert.equal(decodeCheckpoint(later, 512), 0);
  });

  it('has the three numbers of the version in its creator', () => {
    const backupHeader = header('live', live.checkpoint);
    const creator = (serverVersion: string): string => {
      const options = { backupHeader, serverVersion, startLsn: live.blocksFrom, flags: [] };
      return decodeLogHeader(encodeServerHeader(options)).creator;
    };
    assert.equal(creator('8.0.36-28.1-debug-valgrind-log-long'), 'MySQL 8.0.36');
    assert.equal(creator('8.4.10'), 'MySQL 8.4.10');
    for (const version of ['', '9.7', 'v9.7.4', '10.11-MariaDB']) {
      assert.throws(() => creator(version), RangeError, version);
    }
  });

  it('is made from the stale header of XtraBackup only when asked for', () => {
    const backupHeader = header('live', live.checkpoint);
    backupHeader[30] = 0x39;
    const options = { backupHeader, serverVersion: '9.7.4', startLsn: live.blocksFrom, flags: [] };
    assert.throws(() => encodeServerHeader(options), { kind: 'invalid', offset: 508 });
    const made = encodeServerHeader({ ...options, staleChecksum: true });
    assert.deepEqual(made, make(header('live', live.checkpoint), live.blocksFrom));
  });

  it('is not made from a cut header or a damaged checkpoint', () => {
    const backup = header('encrypted', encrypted.checkpoint);
    for (let cut = 0; cut < 1536; cut++) {
      const cutOff = (): unknown => make(backup.subarray(0, cut), encrypted.blocksFrom);
      assert.throws(cutOff, { kind: 'truncated' }, `cut at ${cut}`);
    }
    for (let bit = 0; bit < 1024 * 8; bit++) {
      const damaged = (): unknown => make(flipped(backup, bit), encrypted.blocksFrom);
      assert.throws(damaged, { kind: 'invalid' }, `bit ${bit}`);
    }
  });
});
