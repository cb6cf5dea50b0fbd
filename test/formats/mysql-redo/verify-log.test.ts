import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import { dataView } from '../../../formats/layout.ts';
import {
  BackupLogCheck,
  cutBlock,
  encodeCheckpoint,
  encodeLogHeader,
  encodeServerHeader,
} from '../../../formats/mysql-redo/index.ts';
import {
  backupLog,
  backupOf,
  block,
  blocks,
  check,
  encrypted,
  flipped,
  live,
  noise,
  verdict,
  withChecksum,
} from './support.ts';

const creator = 'xtrabkup 700101 00:00:00';
const logUuid = 0x375d_1d0c;

/** The log of the vector `live` as it stands in a data directory: one file, zeros behind. */
function serverFile(): Uint8Array {
  const backup = backupOf('live', live.checkpoint);
  const file = new Uint8Array(65_536);
  file.set(backup);
  const startLsn = live.blocksFrom;
  const header = { backupHeader: backup, serverVersion: '9.7.4', startLsn, flags: [] };
  file.set(encodeServerHeader(header));
  return file;
}

describe('the check of a backup log', () => {
  it('finds the end of the log where the server said it was', () => {
    assert.deepEqual(check(backupOf('live', live.checkpoint)), {
      checkpointLsn: live.checkpoint,
      lastLsn: live.lsn,
      scannedLsn: live.lsn,
      startLsn: live.blocksFrom,
      logUuid,
      creator,
      encrypted: false,
      uncheckedBlocks: 0,
    });
  });

  it('counts the encrypted blocks, which nobody can check', () => {
    const report = check(backupOf('encrypted', encrypted.checkpoint));
    assert.equal(report.lastLsn, encrypted.lsn);
    assert.deepEqual([report.encrypted, report.uncheckedBlocks], [true, 14]);
  });

  it('takes the file made for a server, with its padding', () => {
    const report = check(serverFile());
    assert.deepEqual([report.creator, report.lastLsn], ['MySQL 9.7.4', live.lsn]);
  });

  it('reads a log cut at an LSN as one that ends there', () => {
    const bytes = backupOf('live', live.checkpoint);
    const lsn = live.blocksFrom + 10 * 512 + 77;
    const at = 2048 + 10 * 512;
    const cut = Buffer.concat([bytes.subarray(0, at), cutBlock(bytes.subarray(at, at + 512), lsn)]);
    assert.deepEqual([check(cut).lastLsn, check(cut).scannedLsn], [lsn, lsn]);
  });

  it('ends behind the header of the next block when the last one is full', () => {
    const full = check(backupLog(20_000, blocks(19_968, 3)));
    assert.deepEqual([full.lastLsn, full.scannedLsn], [21_504 + 12, 21_504]);
    const begun = check(backupLog(20_000, blocks(19_968, 4, 12)));
    assert.deepEqual([begun.lastLsn, begun.scannedLsn], [21_504 + 12, 21_504 + 12]);
  });

  it('says the same however the bytes come', () => {
    const bytes = serverFile();
    for (const pieceBytes of [1, 2, 3, 511, 513, 2047, 4095]) {
      assert.deepEqual(check(bytes, {}, pieceBytes), check(bytes));
    }
    const log = new BackupLogCheck();
    log.push(new Uint8Array(0));
    log.push(bytes.subarray(0, 2048));
    log.push(new Uint8Array(0));
    log.push(bytes.subarray(2048));
    assert.deepEqual(log.end(), check(bytes));
  });

  it('finds every cut, but those between two blocks behind the checkpoint', () => {
    const bytes = backupOf('live', live.checkpoint);
    const end = bytes.length;
    for (let cut = 0; cut <= end; cut++) {
      const found = verdict(bytes.subarray(0, cut));
      const between = cut >= 2048 + 512 && cut % 512 === 0;
      assert.equal(typeof found, between ? 'object' : 'string', `cut at ${cut}`);
      if (!between) assert.equal(found, 'truncated', `cut at ${cut}`);
    }
  });

  it('finds every cut when it knows where the log must end', () => {
    const bytes = backupOf('live', live.checkpoint);
    for (let cut = 0; cut < bytes.length; cut++) {
      assert.equal(verdict(bytes.subarray(0, cut), { endLsn: live.lsn }), 'truncated');
    }
    assert.equal(check(bytes, { endLsn: live.lsn }).lastLsn, live.lsn);
    assert.equal(verdict(bytes, { endLsn: live.lsn + 1 }), 'truncated');
  });

  it('takes a log that goes on behind the end it must reach', () => {
    const bytes = backupOf('live', live.checkpoint);
    const report = check(bytes, { endLsn: live.lsn - 3000 });
    assert.equal(report.lastLsn, live.lsn);
  });

  it('finds every flipped bit of a plain log', () => {
    const bytes = serverFile().subarray(0, 2048 + 15 * 512);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      assert.equal(verdict(flipped(bytes, bit)), 'invalid', `bit ${bit}`);
    }
  });

  it('finds flipped bits in the headers of an encrypted log', () => {
    const bytes = backupOf('encrypted', encrypted.checkpoint);
    for (let at = 2048; at < bytes.length - 512; at += 512) {
      for (const bit of Array.from({ length: 96 }, (_, i) => i)) {
        // The first group of records is known to nobody.
        if (bit >> 3 === 6 || bit >> 3 === 7) continue;
        assert.equal(verdict(flipped(bytes, at * 8 + bit)), 'invalid', `${at}, bit ${bit}`);
      }
    }
  });

  it('stays failed once it failed', () => {
    const log = new BackupLogCheck();
    const bytes = flipped(serverFile(), 3000 * 8);
    assert.throws(() => {
      log.push(bytes);
    }, FormatError);
    assert.throws(() => {
      log.push(new Uint8Array(1));
    }, FormatError);
    assert.throws(() => log.end(), { kind: 'invalid' });
  });

  it('never crashes on random bytes', () => {
    for (let seed = 1; seed < 300; seed++) {
      assert.equal(verdict(noise(seed * 104_729, 5000)), 'invalid');
      const behind = backupLog(20_000, blocks(19_968, 2), noise(seed * 7919, 1024));
      assert.equal(verdict(behind), 'invalid');
    }
  });
});

describe('the blocks of a backup log', () => {
  const good = blocks(19_968, 2);
  const refuses = (message: RegExp, ...parts: Uint8Array[]): void => {
    const lsn = 19_968 + 1024;
    const error = { kind: 'invalid', field: `redo block at LSN ${lsn}`, offset: 3072, message };
    assert.throws(() => check(backupLog(20_000, good, ...parts)), error);
  };

  it('come in order, without an older or newer one between', () => {
    refuses(/not written yet: number 41 of epoch 1 where 42 of epoch 1 belongs/, block(20_480));
    refuses(/overwritten: number 43 of epoch 1 where 42/, block(21_504));
    refuses(/overwritten: number 42 of epoch 2 where 42 of epoch 1/, block(20_992, { epoch: 2 }));
  });

  it('are not damaged, nor without checksum', () => {
    refuses(/damaged/, flipped(block(20_992), 4000));
    const bare = block(20_992);
    dataView(bare).setUint32(508, 0xdead_beef);
    refuses(/no checksum \(innodb_log_checksums=OFF\)/, bare);
  });

  it('are followed by zeros only', () => {
    const lsn = 20_992 + 512;
    const last = block(20_992, { dataLength: 300 });
    const ends = (...parts: Uint8Array[]): unknown =>
      verdict(backupLog(20_000, good, last, ...parts));
    assert.equal(typeof ends(new Uint8Array(4096)), 'object');
    assert.equal(ends(new Uint8Array(4095)), 'truncated');
    assert.equal(ends(block(lsn)), 'invalid');
    assert.equal(ends(new Uint8Array(512), block(lsn + 512)), 'invalid');
    assert.equal(ends(Uint8Array.from({ length: 512 }, (_, i) => (i === 511 ? 1 : 0))), 'invalid');
    assert.throws(() => check(backupLog(20_000, good, new Uint8Array(512), block(lsn))), {
      field: `redo block at LSN ${lsn}`,
      message: /not zero, though the log ended at LSN 21004/,
    });
  });

  it('are not encrypted when the header has no key', () => {
    const secret = block(20_992, { dataLength: 0x8200 });
    assert.throws(() => check(backupLog(20_000, good, secret)), {
      kind: 'invalid',
      offset: 3076,
      message: /block at LSN 20992 is encrypted, but the header has no key/,
    });
  });

  it('may be plain and encrypted in turn', () => {
    const bytes = backupOf('encrypted', encrypted.checkpoint);
    bytes.set(block(encrypted.blocksFrom + 1024), 2048 + 1024);
    assert.equal(check(bytes).uncheckedBlocks, 13);
  });

  it('reach the checkpoint at least', () => {
    const log = (dataLength: number): Uint8Array =>
      backupLog(20_000, block(19_968, { dataLength }), new Uint8Array(512));
    assert.equal(check(log(32)).lastLsn, 20_000);
    assert.throws(() => check(log(31)), {
      kind: 'truncated',
      message: /before the checkpoint 20000/,
    });
    const none = backupLog(20_000, new Uint8Array(4096));
    assert.throws(() => check(none), { kind: 'truncated', message: /no blocks, before/ });
  });
});

describe('the header of a backup log', () => {
  const whole = backupLog(20_000, blocks(19_968, 3));
  const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = Uint8Array.from(whole);
    change(bytes);
    return bytes;
  };

  it('has the same checkpoint twice', () => {
    const one = changed((bytes) => bytes.set(encodeCheckpoint(20_001), 1536));
    const error = { kind: 'invalid', offset: 1544, message: /20001 is not 20000 of block 1/ };
    assert.throws(() => check(one), error);
  });

  it('has its checkpoint in the first block, between two records', () => {
    const moved = (lsn: number): Uint8Array =>
      changed((bytes) => {
        bytes.set(encodeCheckpoint(lsn), 512);
        bytes.set(encodeCheckpoint(lsn), 1536);
      });
    for (const lsn of [0, 19_967, 20_480 + 12, 19_968, 19_968 + 508]) {
      assert.equal(verdict(moved(lsn)), 'invalid', `${lsn}`);
    }
    assert.equal(typeof verdict(moved(19_968 + 507)), 'object');
  });

  it('has no flags', () => {
    for (const flag of ['noLogging', 'crashUnsafe', 'notInitialized', 'full'] as const) {
      const header = { logUuid, startLsn: 19_968, creator, flags: [flag] };
      const bytes = changed((copy) => copy.set(encodeLogHeader(header)));
      assert.throws(() => check(bytes), { kind: 'invalid', offset: 48, message: new RegExp(flag) });
    }
  });

  it('of XtraBackup has a stale checksum and the start LSN of the server', () => {
    const stale = changed((bytes) => {
      dataView(bytes).setBigUint64(8, 8192n);
      bytes.set(Buffer.from('MySQL 9.7.4'.padEnd(32, '\0')), 16);
      withChecksum(bytes.subarray(0, 512));
      bytes.set(Buffer.from(creator.padEnd(32, '\0')), 16);
    });
    assert.throws(() => check(stale), { kind: 'invalid', offset: 508 });
    const report = check(stale, { fromXtraBackup: true });
    assert.deepEqual([report.startLsn, report.lastLsn], [19_968, 21_516]);
    dataView(stale).setBigUint64(8, 20_480n);
    assert.throws(() => check(stale, { fromXtraBackup: true }), {
      message: /not in the first block/,
    });
  });
});
