import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FormatError } from '../../../formats/format-error.ts';
import {
  BackupLogCheck,
  scanMiniTransactions,
  type BackupLogReport,
} from '../../../formats/mariadb-redo/index.ts';
import { backupLog, fileCheckpoint, miniTransaction, noise, vector } from './support.ts';

function check(bytes: Uint8Array, pieceBytes = bytes.length): BackupLogReport {
  const log = new BackupLogCheck();
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    log.push(bytes.subarray(at, at + pieceBytes));
  }
  return log.end();
}

/** What the check says: a report, or the kind of error. Anything but a FormatError fails. */
function verdict(bytes: Uint8Array): BackupLogReport | 'truncated' | 'invalid' {
  try {
    return check(bytes);
  } catch (error) {
    if (error instanceof FormatError) return error.kind;
    throw error;
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe('the check of a backup log', () => {
  it('reads what mariadb-backup said of its logs', () => {
    const creator = 'Backup 10.11.19';
    assert.deepEqual(check(vector('backup-idle')), {
      checkpointLsn: 48_107n,
      endLsn: 48_107n,
      lastLsn: 60_099n,
      creator,
      format: 'plain',
      anyChangesBeyondCheckpoint: true,
    });
    assert.deepEqual(check(vector('backup-end-lsn')), {
      checkpointLsn: 6_348_923n,
      endLsn: 6_352_590n,
      lastLsn: 6_352_618n,
      creator,
      format: 'plain',
      anyChangesBeyondCheckpoint: true,
    });
    assert.deepEqual(check(vector('backup-encrypted')), {
      checkpointLsn: 51_395n,
      endLsn: 51_395n,
      lastLsn: 65_195n,
      creator,
      format: 'encrypted',
      anyChangesBeyondCheckpoint: true,
    });
  });

  it('sees that a prepared log has nothing to recover', () => {
    assert.deepEqual(check(vector('prepared')), {
      checkpointLsn: 60_083n,
      endLsn: 60_083n,
      lastLsn: 60_099n,
      creator: 'Backup 10.11.19',
      format: 'plain',
      anyChangesBeyondCheckpoint: false,
    });
  });

  it('says the same however the bytes come', () => {
    for (const name of ['backup-idle', 'backup-encrypted']) {
      const bytes = vector(name);
      for (const pieceBytes of [1, 2, 3, 4095]) {
        assert.deepEqual(check(bytes, pieceBytes), check(bytes));
      }
    }
  });

  it('finds every cut that is not between two mini-transactions behind the checkpoint', () => {
    const bytes = vector('backup-idle');
    const good = new Set<number>();
    const onMiniTransaction = (at: number, length: number): void => {
      good.add(12_288 + at + length);
    };
    scanMiniTransactions(bytes.subarray(12_288), 0, {
      sequenceBit: () => 1,
      nonceBytes: 0,
      limitLsn: Infinity,
      onMiniTransaction,
    });
    for (let cut = 0; cut <= bytes.length; cut++) {
      const found = verdict(bytes.subarray(0, cut));
      if (good.has(cut)) assert.notEqual(typeof found, 'string', `cut at ${cut}`);
      else assert.equal(found, 'truncated', `cut at ${cut}`);
    }
  });

  it('misses the FILE_CHECKPOINT in every shorter log when it comes last', () => {
    const bytes = vector('backup-end-lsn');
    for (let cut = 12_000; cut < bytes.length; cut++) {
      assert.equal(verdict(bytes.subarray(0, cut)), 'truncated', `cut at ${cut}`);
    }
  });

  it('finds every flipped bit, end markers included', () => {
    const bytes = vector('backup-end-lsn');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      assert.equal(typeof verdict(flipped(bytes, bit)), 'string', `bit ${bit}`);
    }
  });

  it('finds flipped bits in an encrypted log', () => {
    const bytes = vector('backup-encrypted');
    for (let bit = 0; bit < bytes.length * 8; bit += 11) {
      assert.equal(typeof verdict(flipped(bytes, bit)), 'string', `bit ${bit}`);
    }
  });

  it('names the place of the damage', () => {
    const bytes = vector('backup-end-lsn');
    const first = 12_288 + 600;
    assert.throws(
      () => check(flipped(bytes, first * 8)),
      (error: FormatError) => {
        assert.match(error.field, /^mini-transaction at lsn \d+$/);
        const lsn = Number(/\d+/.exec(error.field)?.[0]);
        assert.equal(error.offset, 12_288 + lsn - 6_348_923);
        assert.ok(error.offset <= first && error.offset > first - 600);
        return error.kind === 'invalid';
      },
    );
  });

  it('refuses the log of a live server', () => {
    assert.throws(() => check(vector('live-wrap')), {
      field: 'redo log header > creator',
      offset: 16,
      message: /"MariaDB 10\.11\.19" does not begin with "Backup "/,
    });
  });

  it('never crashes on random bytes behind a good header', () => {
    for (let seed = 1; seed < 300; seed++) {
      const log = backupLog(20_000, 20_000 + (seed % 50), [noise(seed * 104_729, 300)]);
      assert.equal(typeof verdict(log), 'string');
      assert.equal(typeof verdict(noise(seed, 13_000)), 'string');
    }
  });

  it('stays failed once it failed', () => {
    const log = new BackupLogCheck();
    log.push(flipped(vector('prepared'), 12_290 * 8));
    assert.throws(() => log.end(), { kind: 'invalid' });
    assert.throws(() => {
      log.push(new Uint8Array(1));
    }, FormatError);
    assert.throws(() => log.end(), { kind: 'invalid' });
  });
});

describe('the checkpoint of a backup log', () => {
  const change = miniTransaction(Buffer.from('3400002d31', 'hex'));

  it('must be confirmed at its end LSN', () => {
    const good = check(backupLog(20_000, 20_010, [change, fileCheckpoint(20_000), change]));
    assert.equal(good.lastLsn, 20_036n);
    const other = backupLog(20_000, 20_010, [change, fileCheckpoint(19_000), change]);
    assert.throws(() => check(other), {
      kind: 'invalid',
      message: /no FILE_CHECKPOINT for lsn 20000/,
    });
    const early = backupLog(20_000, 20_016, [fileCheckpoint(20_000), change]);
    assert.throws(() => check(early), { kind: 'invalid', field: 'FILE_CHECKPOINT' });
  });

  it('must have its end LSN between two mini-transactions', () => {
    const log = backupLog(20_000, 20_009, [change, fileCheckpoint(20_000)]);
    assert.throws(() => check(log), { kind: 'invalid', field: 'redo checkpoint > endLsn' });
  });

  it('is not reached by a log that ends before', () => {
    assert.throws(() => check(backupLog(20_000, 90_000, [change])), { kind: 'truncated' });
  });

  it('counts as reached with FILE_MODIFY records in front', () => {
    const modify = miniTransaction(Buffer.from('b80500 2e2f612e6962'.replace(' ', ''), 'hex'));
    const log = backupLog(20_000, 20_010, [change, modify, fileCheckpoint(20_000)]);
    assert.equal(check(log).anyChangesBeyondCheckpoint, true);
    assert.throws(() => check(log.subarray(0, -16)), { kind: 'truncated' });
  });
});

describe('a large backup log', () => {
  it('may hold mini-transactions of nearly 1 MiB, in any pieces', () => {
    const records = new Uint8Array(1_048_575).fill(0x3f);
    records[1_048_560] = 0x3e;
    const large = miniTransaction(records);
    const log = backupLog(20_000, 20_000, [fileCheckpoint(20_000), large, large, large]);
    for (const pieceBytes of [1000, 65_536, 1_500_000, log.length]) {
      assert.equal(check(log, pieceBytes).lastLsn, BigInt(20_016 + 3 * large.length));
    }
    assert.throws(() => check(log.subarray(0, -1), 65_536), { kind: 'truncated' });
  });

  it('may hold a FILE record that nobody knows only as damage', () => {
    const odd = miniTransaction(Buffer.from('c3050061', 'hex'));
    const log = backupLog(20_000, 20_000, [fileCheckpoint(20_000), odd]);
    assert.throws(() => check(log), { kind: 'invalid', field: 'FILE record', message: /code 12/ });
  });
});
