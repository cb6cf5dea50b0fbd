import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import {
  BackupLogCheck,
  encodeBackupHeader,
  logPayloadOffset,
  type BackupLogReport,
  type FileRecord,
} from '../../formats/mariadb-redo/index.ts';
import { RedoCopier } from '../../src/backup/mariadb/redo-copier.ts';
import type { BackupError } from '../../src/errors.ts';
import { vector } from '../formats/mariadb-redo/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { RingLog, status, type RingOptions } from './ring-log.ts';

const creator = 'Backup 10.11.19';

/** A copier and all that it has copied. */
class Copy {
  readonly records: FileRecord[] = [];
  readonly copier: RedoCopier;
  readonly #parts: Uint8Array[] = [];

  constructor(path: string) {
    this.copier = new RedoCopier(
      path,
      (bytes) => this.#parts.push(bytes.slice()),
      (record) => this.records.push(record),
    );
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** What the checker of restores says of the log that a backup would have. */
  report(): BackupLogReport {
    const { checkpoint, log } = this.copier;
    const check = new BackupLogCheck();
    check.push(encodeBackupHeader({ source: log.header, ...checkpoint, creator }));
    check.push(this.bytes);
    return check.end();
  }
}

const newRing = (options: Partial<RingOptions> = {}): RingLog =>
  new RingLog({ path: join(scratchDir('ring'), 'ib_logfile0'), fileBytes: 64 * 1024, ...options });

/** A live log of a real server again: the two pieces of it that were kept, in a file of its size. */
function liveLog(name: string, headBytes: number): string {
  const fileBytes = 4_194_304;
  const pieces = vector(name);
  const path = join(scratchDir('live'), 'ib_logfile0');
  writeFileSync(path, pieces.subarray(0, headBytes));
  const fd = openSync(path, 'r+');
  const tail = pieces.subarray(headBytes);
  writeSync(fd, tail, 0, tail.length, fileBytes - tail.length);
  closeSync(fd);
  return path;
}

const fails = (code: string, message: RegExp): ((error: BackupError) => true) => {
  return (error) => {
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
};

describe('the redo copier on logs of a real server', () => {
  for (const [name, headBytes, checkpointLsn, lastLsn] of [
    ['live-wrap', 45_056, 4_169_020, 4_205_421],
    ['live-wrap-marker', 28_672, 8_362_500, 8_377_922],
  ] as const) {
    it(`copies ${name} around the end of the file, up to the LSN that the server named`, () => {
      const copy = new Copy(liveLog(name, headBytes));
      assert.equal(copy.copier.position, checkpointLsn);
      assert.equal(copy.copier.copy(status(lastLsn)), true);
      assert.equal(copy.copier.position, lastLsn);
      assert.equal(copy.bytes.length, lastLsn - checkpointLsn);
      const report = copy.report();
      assert.equal(Number(report.lastLsn), lastLsn);
      assert.equal(Number(report.checkpointLsn), checkpointLsn);
      assert.ok(copy.records.some(({ type }) => type === 'checkpoint'));
      copy.copier.close();
    });

    it(`copies the same of ${name} in steps of some bytes as at once`, () => {
      const path = liveLog(name, headBytes);
      const [steps, whole] = [new Copy(path), new Copy(path)];
      whole.copier.copy(status(lastLsn));
      for (let lsn = checkpointLsn; lsn < lastLsn; lsn += 37) {
        steps.copier.copy(status(lastLsn), lsn);
        assert.ok(steps.copier.position <= lsn, `${steps.copier.position} is beyond ${lsn}`);
      }
      steps.copier.copy(status(lastLsn));
      assert.deepEqual(steps.bytes, whole.bytes);
      assert.deepEqual(steps.records, whole.records);
    });
  }
});

describe('how far the redo copier goes', () => {
  it('takes whole mini-transactions below the durable LSN and not a byte more', () => {
    const ring = newRing();
    ring.checkpoint();
    const borders = [ring.lsn, ...ring.append(200, 149, 300)];
    for (let lsn = ring.ring.firstLsn; lsn <= ring.lsn; lsn++) {
      const { copier } = new Copy(ring.path);
      copier.copy(status(lsn, ring.lsn));
      assert.equal(
        copier.position,
        borders.findLast((border) => border <= lsn),
      );
      copier.close();
    }
  });

  it('is not led on by a torn block behind the durable LSN that looks whole', () => {
    const ring = newRing();
    ring.checkpoint();
    const [durable = 0] = ring.append(200);
    const first = ring.make(400);
    ring.put(first);
    const copy = new Copy(ring.path);
    copy.copier.copy(status(durable, ring.lsn));
    assert.equal(copy.copier.position, durable);
    // What was there is not what becomes durable.
    const later = { lsn: first.lsn, bytes: Buffer.from(first.bytes) };
    ring.lsn = first.lsn;
    const real = ring.make(177);
    ring.put({ lsn: later.lsn, bytes: Buffer.concat([real.bytes, Buffer.alloc(223)]) });
    copy.copier.copy(status(ring.lsn));
    assert.equal(copy.copier.position, ring.lsn);
    assert.deepEqual(copy.bytes.subarray(200), miniTransactionWithMarker(real.bytes));
  });

  it('stops at the LSN it was told to, and goes on when told to', () => {
    const ring = newRing();
    ring.checkpoint();
    const [a = 0, b = 0, c = 0] = ring.append(200, 200, 200);
    const { copier } = new Copy(ring.path);
    assert.equal(copier.copy(status(c), b + 1), true);
    assert.equal(copier.position, b);
    assert.equal(copier.copy(status(c), a), false);
    assert.equal(copier.copy(status(c)), true);
    assert.equal(copier.position, c);
  });

  it('goes round the ring many times', () => {
    const ring = newRing({ fileBytes: logPayloadOffset + 5000 });
    ring.checkpoint();
    const copy = new Copy(ring.path);
    const made: Uint8Array[] = [];
    for (let i = 0; i < 100; i++) {
      const next = ring.make(150 + ((i * 97) % 800));
      ring.put(next);
      made.push(miniTransactionWithMarker(next.bytes));
      copy.copier.copy(status(ring.lsn));
    }
    assert.ok((ring.lsn - ring.ring.firstLsn) / ring.ring.capacity > 8);
    assert.deepEqual(copy.bytes, Buffer.concat(made));
  });

  it('starts at the newer of two checkpoints', () => {
    const ring = newRing();
    ring.checkpoint(ring.lsn, 1);
    const [a = 0] = ring.append(200);
    ring.checkpoint(a, 0);
    assert.equal(new Copy(ring.path).copier.position, a);
  });
});

describe('redo that is not there', () => {
  it('is waited for when the server calls it durable but the file does not show it yet', () => {
    const ring = newRing();
    ring.checkpoint();
    const copy = new Copy(ring.path);
    // More turns in all than one stall may have, so that the count must begin anew each time.
    for (let round = 0; round < 4; round++) {
      const next = ring.make(300);
      for (let turn = 0; turn < 20; turn++) {
        assert.equal(copy.copier.copy(status(ring.lsn)), false);
        assert.equal(copy.copier.position, next.lsn);
      }
      ring.put({ lsn: next.lsn, bytes: next.bytes.subarray(0, 100) });
      assert.equal(copy.copier.copy(status(ring.lsn)), false);
      ring.put(next);
      assert.equal(copy.copier.copy(status(ring.lsn)), true);
      assert.equal(copy.copier.position, ring.lsn);
    }
  });

  for (const [name, damage] of [
    ['of its contents', (bytes: Uint8Array) => bytes.fill(0x55, 50, 60)],
    ['that makes it longer than what is durable', (bytes: Uint8Array) => bytes.fill(0xbf, 1, 2)],
  ] as const) {
    it(`is damage when it never comes: ${name}`, () => {
      const ring = newRing();
      ring.checkpoint();
      const [good = 0] = ring.append(200);
      const bad = ring.make(300);
      damage(bad.bytes);
      ring.put(bad);
      const { copier } = new Copy(ring.path);
      const turns = (): void => {
        for (let turn = 0; turn < 1000; turn++) copier.copy(status(ring.lsn));
      };
      assert.throws(turns, (error: BackupError) => {
        assert.equal(error.where.lsn, good);
        return fails('failed', new RegExp(`redo log at LSN ${good} is damaged: `))(error);
      });
      assert.equal(copier.position, good);
    });
  }

  it('is an overrun, and nothing else, once the server is further ahead than the log is long', () => {
    const ring = newRing({ fileBytes: logPayloadOffset + 5000 });
    ring.checkpoint();
    const start = ring.lsn;
    const { copier } = new Copy(ring.path);
    ring.append(2000, 2000, 2000);
    const ahead = start + 5000;
    assert.equal(copier.headRoom(status(start, ahead)), 0);
    assert.equal(copier.copy(status(start, ahead)), false);
    assert.throws(
      () => copier.copy(status(start, ahead + 1)),
      fails(
        'overrun',
        new RegExp(
          `overwrote redo before it was copied: copied to LSN ${start}, server at ${ahead + 1}, the log holds 5000 bytes`,
        ),
      ),
    );
  });

  it('names a log size that would have done', () => {
    const ring = newRing();
    ring.checkpoint();
    const { copier } = new Copy(ring.path);
    const behind = 300 * 1024 ** 2;
    assert.throws(
      () => copier.copy(status(ring.lsn, ring.lsn + behind)),
      (error: BackupError) => {
        assert.match(error.hint ?? '', /set innodb_log_file_size to at least 600M \(SET GLOBAL/);
        return true;
      },
    );
  });
});

describe('a log that the server replaces', () => {
  it('is drained up to where the new one begins, which then goes on', () => {
    const old = newRing({ fileBytes: logPayloadOffset + 5000 });
    old.checkpoint();
    const copy = new Copy(old.path);
    const first = old.make(1000);
    old.put(first);
    // From here on the server doubles its writes.
    const next = newRing({ fileBytes: logPayloadOffset + 9000, firstLsn: old.lsn });
    const parts = [first.bytes];
    for (const size of [700, 800]) {
      const [to, twin] = [old.make(size), next.make(size)];
      old.put(to);
      next.put(twin);
      parts.push(twin.bytes);
    }
    next.replace(old.path);
    for (let i = 0; i < 20; i++) {
      const more = next.make(600);
      next.put(more);
      parts.push(more.bytes);
      copy.copier.copy(status(next.lsn));
    }
    assert.equal(copy.copier.position, next.lsn);
    assert.equal(copy.copier.log.ring.capacity, 9000);
    assert.deepEqual(copy.bytes, Buffer.concat(parts.map(miniTransactionWithMarker)));
  });

  it('counts its head-room by the log that is being copied', () => {
    const old = newRing({ fileBytes: logPayloadOffset + 5000 });
    old.checkpoint();
    const { copier } = new Copy(old.path);
    const next = newRing({ fileBytes: logPayloadOffset + 90_000, firstLsn: old.lsn });
    next.replace(old.path);
    copier.copy(status(next.lsn));
    assert.equal(copier.headRoom(status(next.lsn, next.lsn + 10_000)), 80_000);
  });

  it('is an error when the new one has another key', () => {
    const old = newRing();
    old.checkpoint();
    const { copier } = new Copy(old.path);
    const keyBlock = new Uint8Array(28).fill(7);
    const next = newRing({ firstLsn: old.lsn, format: 'encrypted', keyBlock });
    next.replace(old.path);
    assert.throws(
      () => copier.copy(status(old.lsn)),
      fails('failed', /replaced by one with another key or format/),
    );
  });
});

describe('a log that cannot be copied', () => {
  it('is refused with its path and what is wrong', () => {
    const dir = scratchDir('no-log');
    const path = join(dir, 'ib_logfile0');
    const open = (): Copy => new Copy(path);
    assert.throws(open, fails('access', new RegExp(`redo log ${path}: .*no such file`)));
    writeFileSync(path, Buffer.alloc(1000));
    assert.throws(
      open,
      fails('corrupt', /format at byte 0: 0x00000000 is not the format of MariaDB 10\.8/),
    );
    writeFileSync(path, '');
    assert.throws(open, fails('incomplete', /redo log/));
    new RingLog({ path, fileBytes: 64 * 1024 }).close();
    assert.throws(open, fails('failed', /neither checkpoint block is valid/));
  });
});

/** As a backup has it: the end marker is 1 whatever round of the ring it was written in. */
function miniTransactionWithMarker(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 5] = 1;
  return copy;
}
