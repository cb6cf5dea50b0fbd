import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';

import { crc32c } from '../../formats/crc.ts';
import {
  BackupLogCheck,
  type BackupLogReport,
  encodeBackupHeader,
} from '../../formats/mysql-redo/index.ts';
import { RedoCopier } from '../../src/backup/mysql/redo-copier.ts';
import type { BackupError } from '../../src/errors.ts';
import { block, withChecksum } from '../formats/mysql-redo/support.ts';
import {
  blocksPerFile,
  fileRoom,
  keyBlock,
  megabyte,
  MysqlRedoFiles,
  type FilesOptions,
  status,
} from './mysql-redo-files.ts';

/** A copier and all that it has copied. */
class Copy {
  readonly copier: RedoCopier;
  readonly #parts: Uint8Array[] = [];

  constructor(directory: string, encrypted = true) {
    const log = { directory, spoolDirectory: tmpdir(), encrypted };
    this.copier = new RedoCopier(log, (bytes) => this.#parts.push(bytes.slice()));
  }

  /** One turn, up to this durable LSN. */
  take(durable: number): void {
    this.copier.copy(status(durable));
  }

  /** One turn that ends at `stop`; true when that is done. */
  end(stop: number, durable = stop): boolean {
    return this.copier.end(status(durable), stop);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  get position(): number {
    return this.copier.position;
  }

  /** What the checker of restores says of the log that a backup would have. */
  report(): BackupLogReport {
    const { lsn: checkpointLsn, header: source } = this.copier.checkpoint;
    const check = new BackupLogCheck({ endLsn: this.position });
    check.push(encodeBackupHeader({ source, checkpointLsn, startedAt: new Date(0) }));
    check.push(this.bytes);
    return check.end();
  }
}

const first = 8192;

/** Files with a checkpoint at their very beginning. */
const newFiles = (options: FilesOptions = {}): MysqlRedoFiles => {
  const files = new MysqlRedoFiles(options);
  files.checkpoint(files.lsn + 12);
  return files;
};

/** The same, and a copier that has just begun. */
const begin = (options: FilesOptions = {}): { files: MysqlRedoFiles; copy: Copy } => {
  const files = newFiles(options);
  return { files, copy: new Copy(files.directory) };
};

const fails = (code: string, message: RegExp): ((error: BackupError) => true) => {
  return (error) => {
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
};

const turns = (copy: Copy, count: number, flushedLsn: number): void => {
  for (let turn = 0; turn < count; turn++) copy.take(flushedLsn);
};

describe('the start of the copy of MySQL’s redo log', () => {
  it('is the newest checkpoint of all files, in the block that holds it', () => {
    const files = newFiles();
    files.append(3 * blocksPerFile);
    const wanted = first + fileRoom + 5 * 512 + 100;
    files.checkpoint(first + 1000, 1);
    files.checkpoint(wanted, 1);
    files.checkpoint(wanted - 512, 0);
    const copy = new Copy(files.directory);
    assert.equal(copy.copier.checkpoint.lsn, wanted);
    assert.equal(copy.position, wanted - (wanted % 512));
    assert.deepEqual(Buffer.from(copy.copier.checkpoint.header), files.read(1).subarray(0, 2048));
  });

  it('is no checkpoint that is torn, or that belongs to the earlier life of its file', () => {
    const files = newFiles();
    files.append(2 * blocksPerFile);
    // In the first file, but beyond its end: a spare keeps such blocks.
    files.spoil(0, 1536, checkpointBlock(first + fileRoom + 100));
    const torn = checkpointBlock(first + fileRoom + 700);
    torn[15] = 1;
    files.spoil(1, 512, torn);
    assert.equal(new Copy(files.directory).copier.checkpoint.lsn, first + 12);
  });

  it('is in no file that is a spare', () => {
    const files = newFiles();
    files.append(2 * blocksPerFile);
    files.checkpoint(first + fileRoom + 100);
    files.retire(1);
    assert.equal(new Copy(files.directory).copier.checkpoint.lsn, first + 12);
  });
});

describe('how far the copier of MySQL’s redo log goes', () => {
  it('takes whole blocks below the durable LSN and not a byte more', () => {
    const files = newFiles();
    const bytes = files.append(6);
    for (let durable = first; durable <= files.lsn; durable += 37) {
      const copy = new Copy(files.directory);
      copy.copier.copy(status(durable, files.lsn));
      assert.equal(copy.position, durable - (durable % 512));
      assert.deepEqual(copy.bytes, bytes.subarray(0, copy.position - first));
      copy.copier.close();
    }
  });

  it('leaves the last block until it is whole, whatever it was before', () => {
    const files = newFiles();
    files.append(2);
    const copy = new Copy(files.directory);
    for (const dataLength of [20, 100, 507]) {
      files.put(files.lsn, block(files.lsn, { dataLength }));
      copy.take(files.lsn + dataLength);
      assert.equal(copy.position, files.lsn);
    }
    const last = files.append(1);
    copy.take(files.lsn);
    assert.equal(copy.position, files.lsn);
    assert.deepEqual(copy.bytes.subarray(-512), last);
  });

  it('follows from file to file as they come', () => {
    const { files, copy } = begin();
    const made: Buffer[] = [];
    for (let i = 0; i < 60; i++) {
      made.push(files.append(1 + ((i * 31) % 40)));
      copy.take(files.lsn);
      assert.equal(copy.position, files.lsn);
    }
    assert.ok(files.starts.length > 8);
    assert.deepEqual(copy.bytes, Buffer.concat(made));
  });

  it('follows into files that were others before', () => {
    const { files, copy } = begin();
    const made = [files.append(3 * blocksPerFile)];
    copy.take(files.lsn);
    for (let number = 0; number < 6; number++) {
      files.retire(number);
      copy.take(files.lsn);
      files.reuse();
      // Its old blocks are still there: they are no redo.
      copy.take(files.lsn);
      made.push(files.append(blocksPerFile / 2));
      copy.take(files.lsn);
      made.push(files.append(blocksPerFile / 2));
      copy.take(files.lsn);
    }
    assert.equal(copy.position, files.lsn);
    assert.deepEqual(copy.bytes, Buffer.concat(made));
  });

  it('stops below the LSN it was told to', () => {
    const files = newFiles();
    files.append(5);
    const copy = new Copy(files.directory);
    copy.copier.copy(status(files.lsn), first + 2 * 512 + 30);
    assert.equal(copy.position, first + 2 * 512);
  });
});

describe('the end of the copy of MySQL’s redo log', () => {
  for (const place of [12, 13, 300, 506, 507]) {
    it(`is cut ${place} bytes into a block, whether the block is whole or not`, () => {
      for (const partial of [false, true]) {
        const files = newFiles();
        files.append(blocksPerFile + 3);
        const stop = files.lsn + place;
        if (partial) files.put(files.lsn, block(files.lsn, { dataLength: place }));
        else files.append(1);
        const copy = new Copy(files.directory);
        assert.equal(copy.end(stop), true);
        assert.equal(copy.position, stop);
        const { lastLsn, checkpointLsn } = copy.report();
        assert.deepEqual([checkpointLsn, lastLsn], [first + 12, stop]);
        // Asked again it has nothing more to do.
        assert.equal(copy.end(stop), true);
        assert.equal(copy.bytes.length, blocksPerFile * 512 + 4 * 512);
      }
    });
  }

  it('may be the first block of a file that has just come', () => {
    const files = newFiles();
    files.append(blocksPerFile);
    const copy = new Copy(files.directory);
    const stop = files.lsn + 12;
    assert.equal(copy.end(stop), false);
    files.addFile();
    files.put(files.lsn, block(files.lsn, { dataLength: 12 }));
    assert.equal(copy.end(stop), true);
    assert.equal(copy.report().lastLsn, stop);
  });

  it('waits until the block reaches that far, and until all before it is copied', () => {
    const files = newFiles();
    files.append(2);
    files.put(files.lsn, block(files.lsn, { dataLength: 50 }));
    const copy = new Copy(files.directory);
    const stop = files.lsn + 80;
    assert.equal(copy.end(stop, first + 700), false);
    assert.equal(copy.position, first + 512);
    assert.equal(copy.end(stop, files.lsn + 50), false);
    assert.equal(copy.position, files.lsn);
    // The server says that it is durable, and the block cannot be read yet.
    assert.equal(copy.end(stop), false);
    files.put(files.lsn, block(files.lsn, { dataLength: 80 }));
    assert.equal(copy.end(stop), true);
    assert.equal(copy.report().lastLsn, stop);
  });

  it('is the whole block where it is encrypted', () => {
    const files = newFiles({ key: keyBlock(1) });
    files.append(2);
    const last = block(files.lsn, { dataLength: 0x8000 | 400 });
    files.put(files.lsn, last);
    const copy = new Copy(files.directory);
    const stop = files.lsn + 200;
    assert.equal(copy.end(stop), true);
    assert.deepEqual(copy.bytes.subarray(-512), Buffer.from(last));
    assert.equal(copy.report().lastLsn, files.lsn + 400);
  });
});

describe('the end of MySQL’s redo that was copied further than that', () => {
  const blocks = 3 * blocksPerFile + 5;

  /** A copier that has begun to hold after so many blocks, and then copied all there are. */
  const copyOn = (heldFrom: number, options: FilesOptions = {}) => {
    const { files, copy } = begin(options);
    const before = files.append(heldFrom);
    copy.take(files.lsn);
    copy.copier.hold();
    const after = files.append(blocks - heldFrom);
    for (let turn = 0; turn < 5; turn++) copy.take(files.lsn);
    assert.equal(copy.position, files.lsn);
    return { files, copy, before, made: Buffer.concat([before, after]) };
  };

  it('is cut where it was told to, in every block that was held', () => {
    const heldFrom = blocksPerFile - 3;
    for (let number = heldFrom; number < blocks; number += 7) {
      for (const place of [12, 300, 507]) {
        const { copy, before, made } = copyOn(heldFrom);
        assert.deepEqual(copy.bytes, before, 'held redo got out');
        const stop = first + number * 512 + place;
        assert.equal(copy.end(stop, first + blocks * 512), true);
        assert.equal(copy.position, stop);
        assert.deepEqual(copy.bytes.subarray(0, -512), made.subarray(0, number * 512));
        assert.equal(copy.bytes.length, (number + 1) * 512);
        assert.equal(copy.report().lastLsn, stop);
        assert.equal(copy.end(stop), true);
        assert.equal(copy.bytes.length, (number + 1) * 512);
      }
    }
  });

  it('may as well be ahead of what was copied', () => {
    const { files, copy } = copyOn(10);
    const stop = files.lsn + 2 * 512 + 40;
    files.append(3);
    assert.equal(copy.end(stop, files.lsn), true);
    assert.equal(copy.report().lastLsn, stop);
    copy.copier.close();
  });

  it('is the whole block where it is encrypted', () => {
    const { files, copy } = begin({ key: keyBlock(1) });
    copy.copier.hold();
    const last = block(files.lsn, { dataLength: 0x8000 | 512 });
    files.put(files.lsn, last);
    files.lsn += 512;
    files.append(4);
    copy.take(files.lsn);
    assert.equal(copy.end(first + 100, files.lsn), true);
    assert.deepEqual(copy.bytes, Buffer.from(last));
  });

  it('is not left uncut in a log that was not encrypted when commits could have been held', () => {
    for (const held of [true, false]) {
      const files = newFiles({ key: keyBlock(1) });
      const copy = new Copy(files.directory, false);
      if (held) copy.copier.hold();
      files.put(files.lsn, block(files.lsn, { dataLength: 0x8000 | 512 }));
      files.lsn += 512;
      if (held) copy.take(files.lsn);
      const message = /^the redo log was encrypted during the backup$/u;
      assert.throws(() => copy.end(first + 100, files.lsn), fails('failed', message));
    }
  });

  it('is an error where it was not held: nothing can be taken back', () => {
    const { files, copy } = begin();
    files.append(5);
    copy.take(files.lsn);
    const message = /was handed over before it was known that the backup ends there$/u;
    assert.throws(() => copy.end(first + 100, files.lsn), fails('failed', message));
    copy.copier.hold();
    assert.throws(() => copy.end(files.lsn - 1, files.lsn), fails('failed', message));
  });
});

describe('redo that the server did not keep', () => {
  const overrun = (at: number, current: number): ((error: BackupError) => true) => {
    return (error) => {
      fails(
        'overrun',
        new RegExp(
          `^the server reused redo log files before they were copied: copied to LSN ${at}, ` +
            `server at ${current}, innodb_redo_log_capacity is 8388608 bytes`,
        ),
      )(error);
      assert.equal(error.where.lsn, at);
      return true;
    };
  };

  it('is an overrun when the file is gone', () => {
    const { files, copy } = begin();
    files.append(3 * blocksPerFile);
    files.remove(0);
    assert.throws(() => copy.take(files.lsn), overrun(first, files.lsn));
  });

  it('is an overrun when the next file was gone before it was opened', () => {
    const { files, copy } = begin();
    files.append(blocksPerFile);
    copy.take(files.lsn);
    const at = files.lsn;
    files.append(2 * blocksPerFile);
    files.remove(1);
    assert.throws(() => copy.take(files.lsn), overrun(at, files.lsn));
  });

  it('is an overrun when the file that is read became a later one', () => {
    const { files, copy } = begin();
    files.append(10);
    copy.take(files.lsn);
    const at = files.lsn;
    files.append(2 * blocksPerFile - 10);
    files.retire(0);
    files.reuse();
    // What was not overwritten yet is good for as long as it is there.
    copy.take(at + 512);
    assert.equal(copy.position, at + 512);
    files.append(blocksPerFile);
    assert.throws(() => copy.take(files.lsn), overrun(at + 512, files.lsn));
  });

  it('is an overrun in the last block as well', () => {
    const { files, copy } = begin();
    files.append(2 * blocksPerFile);
    files.remove(0);
    const stop = first + 100;
    assert.throws(() => copy.end(stop, files.lsn), overrun(first, files.lsn));
  });

  it('would have been kept by a log of the size that is named', () => {
    for (const [behind, enough] of [
      [300, 600],
      [2, 16],
    ] as const) {
      const { files, copy } = begin();
      files.append(2 * blocksPerFile);
      files.remove(0);
      assert.throws(
        () => copy.copier.copy(status(files.lsn, first + behind * megabyte)),
        (error: BackupError) => {
          assert.equal(
            error.hint,
            `set innodb_redo_log_capacity to at least ${enough}M (SET GLOBAL works online), ` +
              'or let the backup register as redo log consumer',
          );
          return true;
        },
      );
    }
  });
});

describe('redo that is not there yet', () => {
  it('is waited for, and the count of the turns begins anew with every block', () => {
    const { files, copy } = begin();
    for (let round = 0; round < 4; round++) {
      turns(copy, 40, files.lsn + 512);
      assert.equal(copy.position, files.lsn);
      files.append(1);
      copy.take(files.lsn);
      assert.equal(copy.position, files.lsn);
    }
  });

  it('is found when the header of its file is no longer being written', () => {
    const { files, copy } = begin();
    files.append(blocksPerFile);
    copy.take(files.lsn);
    const at = files.lsn;
    files.append(1);
    const header = files.read(1).subarray(0, 512);
    for (const torn of [
      Buffer.alloc(512),
      Buffer.concat([header.subarray(0, 8), Buffer.alloc(504)]),
    ]) {
      files.spoil(1, 0, torn);
      turns(copy, 10, files.lsn);
      assert.equal(copy.position, at);
    }
    files.spoil(1, 0, header);
    copy.take(files.lsn);
    assert.equal(copy.position, files.lsn);
  });

  it('is not taken for lost while one header is being written and later files are there', () => {
    const { files, copy } = begin();
    files.append(blocksPerFile);
    copy.take(files.lsn);
    const at = files.lsn;
    files.append(2 * blocksPerFile);
    const header = files.read(1).subarray(0, 512);
    const torn = Buffer.from(header);
    // The flag `full` is set, the checksum is that from before.
    torn.writeUInt32BE(0, 48);
    files.spoil(1, 0, torn);
    turns(copy, 10, files.lsn);
    assert.equal(copy.position, at);
    files.spoil(1, 0, header);
    copy.take(files.lsn);
    assert.equal(copy.position, files.lsn);
  });

  for (const [what, damage] of [
    ['damaged', (bytes: Uint8Array) => bytes.fill(0x55, 100, 104)],
    ['not written yet', (bytes: Uint8Array) => bytes.fill(0)],
  ] as const) {
    it(`is damage when it is still ${what} after 50 turns`, () => {
      const { files, copy } = begin();
      files.append(3);
      const at = first + 512;
      const bytes = block(at);
      damage(bytes);
      files.put(at, bytes);
      turns(copy, 50, files.lsn);
      assert.equal(copy.position, at);
      assert.throws(
        () => copy.take(files.lsn),
        (error: BackupError) => {
          assert.deepEqual(error.where, { path: files.directory, lsn: at });
          return fails('failed', new RegExp(`the block at LSN ${at} is ${what}$`))(error);
        },
      );
    });
  }

  it('is damage as well when no file ever has it', () => {
    const { files, copy } = begin();
    files.append(blocksPerFile);
    turns(copy, 50, files.lsn + 512);
    assert.throws(() => copy.take(files.lsn + 512), fails('failed', /is in no file$/));
  });
});

describe('blocks of MySQL’s redo log that no server recovers', () => {
  it('are refused at once when they have no checksum', () => {
    const { files, copy } = begin();
    const bytes = Buffer.from(block(files.lsn));
    bytes.writeUInt32BE(0xdead_beef, 508);
    files.put(files.lsn, bytes);
    assert.throws(
      () => copy.take(files.lsn + 512),
      (error: BackupError) => {
        assert.equal(error.hint, 'SET GLOBAL innodb_log_checksums = ON');
        return fails('failed', /^the redo log has no checksums$/)(error);
      },
    );
  });

  it('are refused when they are encrypted and the log had no key at the start', () => {
    const { files, copy } = begin();
    files.append(2);
    copy.take(files.lsn);
    files.put(files.lsn, block(files.lsn, { dataLength: 0x8000 | 512 }));
    assert.throws(
      () => copy.take(files.lsn + 512),
      fails('failed', /^the redo log was encrypted during the backup$/),
    );
    files.put(files.lsn, block(files.lsn, { dataLength: 0x8000 | 90 }));
    const stop = files.lsn + 90;
    assert.throws(
      () => copy.end(stop),
      fails('failed', /^the redo log was encrypted during the backup$/),
    );
  });

  it('are copied as they are when the key is the one of the start', () => {
    const { files, copy } = begin({ key: keyBlock(1) });
    const made = [files.append(blocksPerFile)];
    for (let i = 0; i < 5; i++) {
      if (i === 0) files.addFile();
      const bytes = block(files.lsn, { dataLength: 0x8000 | 512 });
      // Nobody can check it: it is not a checksum.
      bytes.fill(7, 508);
      files.put(files.lsn, bytes);
      made.push(Buffer.from(bytes));
      files.lsn += 512;
    }
    copy.take(files.lsn);
    assert.deepEqual(copy.bytes, Buffer.concat(made));
  });

  for (const [what, before] of [
    ['another key', keyBlock(1)],
    ['a key, as the log had none', undefined],
  ] as const) {
    it(`are refused when the next file has ${what}`, () => {
      const { files, copy } = begin(before ? { key: before } : {});
      files.append(blocksPerFile);
      files.key = keyBlock(2);
      files.append(1);
      assert.throws(
        () => copy.take(files.lsn),
        fails('failed', /^the key of the redo log was changed during the backup$/),
      );
    });
  }
});

describe('a redo log of MySQL that cannot be copied', () => {
  it('is refused for its format, with the versions that have the right one', () => {
    const files = newFiles();
    files.append(2 * blocksPerFile);
    for (const number of [0, 1]) {
      const header = files.read(number).subarray(0, 512);
      header.writeUInt32BE(7, 0);
      files.spoil(number, 0, withChecksum(header));
    }
    assert.throws(
      () => new Copy(files.directory),
      (error: BackupError) => {
        assert.match(error.hint ?? '', /^supported: .*8\.0\.30.*9\./);
        return fails(
          'failed',
          /redo log header > format.*7 is not supported; 6 is \(MySQL 8\.0\.30 or later\)/,
        )(error);
      },
    );
  });

  it('is refused when it is not there, or no file of it can be read', () => {
    const files = newFiles();
    files.spoil(0, 100, Uint8Array.of(1));
    assert.throws(() => new Copy(files.directory), fails('failed', /redo log header > crc/));
    writeFileSync(files.path(0), '');
    assert.throws(() => new Copy(files.directory), fails('failed', /redo log .*redo log header/));
    files.remove(0);
    assert.throws(() => new Copy(files.directory), fails('failed', /no checkpoint in any file/));
    rmSync(files.directory, { recursive: true });
    assert.throws(() => new Copy(files.directory), fails('access', /no such file or directory/));
  });
});

function checkpointBlock(lsn: number): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.writeBigUInt64BE(BigInt(lsn), 8);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 508)), 508);
  return bytes;
}
