import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32c } from '../../../formats/crc.ts';
import {
  decodeLogHeader,
  logRing,
  lsnToOffset,
  miniTransactionBytesMax,
  newestCheckpoint,
  scanMiniTransactions,
  sequenceBit,
  type FileRecord,
  type Scan,
  type ScanOptions,
} from '../../../formats/mariadb-redo/index.ts';
import { rangeCrc32c } from '../../../formats/mariadb-redo/range-crc.ts';
import { readVarint } from '../../../formats/mariadb-redo/varint.ts';
import { hexRuns, miniTransaction, noise, vector } from './support.ts';

const plain: ScanOptions = { sequenceBit: () => 1, nonceBytes: 0, limitLsn: Infinity };

const scan = (window: Uint8Array, options: Partial<ScanOptions> = {}, startLsn = 0): Scan =>
  scanMiniTransactions(window, startLsn, { ...plain, ...options });

/** End positions of the mini-transactions in a window. */
function borders(window: Uint8Array, options: Partial<ScanOptions> = {}, startLsn = 0): number[] {
  const ends: number[] = [];
  const onMiniTransaction = (at: number, length: number): void => {
    ends.push(at + length);
  };
  scan(window, { ...options, onMiniTransaction }, startLsn);
  return ends;
}

const fileRecords = (name: string): FileRecord[] => {
  const bytes = vector(name);
  const records: FileRecord[] = [];
  const startLsn = Number(decodeLogHeader(bytes).firstLsn);
  scan(bytes.subarray(12_288), { onFileRecord: (record) => records.push(record) }, startLsn);
  return records;
};

describe('the worked example', () => {
  const [first = new Uint8Array(), last = new Uint8Array()] = hexRuns('worked-example');

  it('is one mini-transaction of 63 bytes of records, up to LSN 44488', () => {
    assert.deepEqual(scan(first, {}, 44_420), { consumed: 68, stop: 'need more' });
    assert.equal(44_420 + first.length, 44_488);
  });

  it('ends with a FILE_CHECKPOINT', () => {
    const records: FileRecord[] = [];
    scan(last, { onFileRecord: (record) => records.push(record) }, 44_760);
    assert.deepEqual(records, [{ type: 'checkpoint', checkpointLsn: 44_420, endLsn: 44_776 }]);
  });

  it('needs more at every cut, and consumes nothing then', () => {
    for (let cut = 0; cut < first.length; cut++) {
      assert.deepEqual(scan(first.subarray(0, cut)), { consumed: 0, stop: 'need more' });
    }
  });

  it('is not one after any bit flip, unless the flip asks for more bytes', () => {
    for (let bit = 0; bit < first.length * 8; bit++) {
      const bytes = Uint8Array.from(first);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(scan(bytes).consumed, 0, `bit ${bit}`);
    }
  });
});

describe('the log of a backup', () => {
  it('is walked to its end', () => {
    const payload = vector('backup-idle').subarray(12_288);
    assert.deepEqual(scan(payload), { consumed: 60_099 - 48_107, stop: 'need more' });
    const sealed = vector('backup-encrypted').subarray(12_288);
    assert.deepEqual(scan(sealed, { nonceBytes: 8 }), {
      consumed: 65_195 - 51_395,
      stop: 'need more',
    });
  });

  it('tells of the files that were made, renamed and dropped', () => {
    const told = fileRecords('backup-idle').flatMap((r) => {
      if (r.type === 'create' || r.type === 'delete') return [`${r.type} ${r.spaceId} ${r.path}`];
      return r.type === 'rename' ? [`rename ${r.spaceId} ${r.path} ${r.newPath}`] : [];
    });
    assert.deepEqual(told, [
      'create 6 ./d/u.ibd',
      'rename 6 ./d/u.ibd ./d/v.ibd',
      'create 7 ./d/w.ibd',
      'delete 7 ./d/w.ibd',
      'create 8 ./d/#sql-alter-2c8c-6.ibd',
      'rename 5 ./d/t.ibd ./d/#sql-ib21.ibd',
      'rename 8 ./d/#sql-alter-2c8c-6.ibd ./d/t.ibd',
      'delete 5 ./d/#sql-ib21.ibd',
    ]);
  });

  it('names the changed files again before a checkpoint', () => {
    assert.deepEqual(fileRecords('backup-end-lsn'), [
      { type: 'modify', spaceId: 9, path: './d/m.ibd', endLsn: 6_352_618 },
      { type: 'checkpoint', checkpointLsn: 6_348_923, endLsn: 6_352_618 },
    ]);
  });

  it('stops before the mini-transaction that runs over the limit', () => {
    const payload = vector('backup-end-lsn').subarray(12_288);
    const ends = [0, ...borders(payload)];
    assert.equal(ends.length, 109);
    for (let limitLsn = 0; limitLsn <= payload.length; limitLsn++) {
      const consumed = ends.findLast((end) => end <= limitLsn);
      assert.deepEqual(scan(payload, { limitLsn }), { consumed, stop: 'limit' });
    }
  });

  it('looks at nothing from the limit on', () => {
    const [first = new Uint8Array()] = hexRuns('worked-example');
    const garbage = Uint8Array.from([...first, 0x30, 0xff, 0xff]);
    assert.equal(scan(garbage, { limitLsn: 70 }).stop, 'not a mini-transaction');
    assert.deepEqual(scan(garbage, { limitLsn: 69 }), { consumed: 68, stop: 'limit' });
    assert.deepEqual(scan(garbage, { limitLsn: -5 }), { consumed: 0, stop: 'limit' });
  });
});

/** A piece of a live log of 4 MiB over the end of the file, from its checkpoint on. */
function wrapping(name: string, tailBytes: number) {
  const bytes = vector(name);
  const header = decodeLogHeader(bytes);
  const ring = logRing(header, 4_194_304);
  const startLsn = Number(newestCheckpoint(bytes, header.firstLsn)?.checkpointLsn);
  const fromEnd = 4_194_304 - lsnToOffset(startLsn, ring);
  const tail = bytes.subarray(bytes.length - fromEnd);
  return {
    startLsn,
    /** Window position of the wrap. */
    fromEnd,
    bit: (lsn: number): 0 | 1 => sequenceBit(lsn, ring),
    window: (): Uint8Array => Buffer.concat([tail, bytes.subarray(12_288, -tailBytes)]),
  };
}

describe('a live log that wraps', () => {
  const early = wrapping('live-wrap', 32_768);
  const late = wrapping('live-wrap-marker', 16_384);

  it('is followed over the end of the file to the LSN the server stood at', () => {
    for (const [log, currentLsn] of [
      [early, 4_205_421],
      [late, 8_377_922],
    ] as const) {
      const { consumed, ...why } = scan(log.window(), { sequenceBit: log.bit }, log.startLsn);
      assert.equal(log.startLsn + consumed, currentLsn);
      assert.equal(why.stop, 'not a mini-transaction');
      assert.match(why.reason ?? '', /first byte is 0x00/);
    }
  });

  it('needs more where the file ends inside a mini-transaction', () => {
    for (const log of [early, late]) {
      const tail = log.window().subarray(0, log.fromEnd);
      const { consumed, stop } = scan(tail, { sequenceBit: log.bit }, log.startLsn);
      assert.equal(stop, 'need more');
      assert.ok(consumed < log.fromEnd);
    }
  });

  it('judges a mini-transaction over the end by where its marker stands', () => {
    const old = (log: typeof early, bit: 0 | 1): Scan =>
      scan(log.window(), { sequenceBit: () => bit }, log.startLsn);
    const over = (log: typeof early): number[] =>
      borders(log.window(), { sequenceBit: log.bit }, log.startLsn).slice(
        borders(log.window().subarray(0, log.fromEnd), { sequenceBit: log.bit }, log.startLsn)
          .length - 1,
      );
    const [before = 0, behind = 0] = over(early);
    assert.ok(before < early.fromEnd && behind - 5 < early.fromEnd && behind > early.fromEnd);
    assert.equal(old(early, 1).consumed, behind);
    assert.match(old(early, 1).reason ?? '', /end marker 0 at lsn 419\d+ has the wrong sequence/);

    const [start = 0, end = 0] = over(late);
    assert.ok(start < late.fromEnd && end - 5 >= late.fromEnd);
    assert.equal(old(late, 0).consumed, start);
    assert.match(old(late, 0).reason ?? '', /end marker 1 at lsn 8376\d+ has the wrong sequence/);
  });

  it('gets the markers of a backup when asked, and only what was consumed', () => {
    const before = early.window();
    const after = early.window();
    const options = { sequenceBit: early.bit, setMarkers: true, limitLsn: 4_205_421 };
    const { consumed } = scan(after, options, early.startLsn);
    assert.deepEqual(scan(after.subarray(0, consumed)), { consumed, stop: 'need more' });
    assert.deepEqual(after.subarray(consumed), before.subarray(consumed));
    const changed = after.reduce((n, byte, i) => n + (byte === before[i] ? 0 : 1), 0);
    const ends = borders(after.subarray(0, consumed));
    assert.equal(changed, ends.filter((end) => end - 5 >= early.fromEnd).length);
  });
});

describe('LSN and offset', () => {
  const ring = { firstLsn: 50_000, capacity: 1000 };

  it('turn over at the capacity', () => {
    const offsets = [50_000, 50_999, 51_000, 52_001].map((lsn) => lsnToOffset(lsn, ring));
    assert.deepEqual(offsets, [12_288, 13_287, 12_288, 12_289]);
    const bits = [50_000, 50_999, 51_000, 51_999, 52_000].map((lsn) => sequenceBit(lsn, ring));
    assert.deepEqual(bits, [1, 1, 0, 0, 1]);
  });

  it('refuse an LSN older than the file', () => {
    assert.throws(() => lsnToOffset(49_999, ring), RangeError);
    assert.throws(() => sequenceBit(49_999, ring), RangeError);
  });

  it('want a file with a payload', () => {
    const header = decodeLogHeader(vector('backup-idle'));
    assert.throws(() => logRing(header, 12_288), { kind: 'truncated' });
    assert.deepEqual(logRing(header, 12_289), { firstLsn: 48_107, capacity: 1 });
    const far = { ...header, firstLsn: 1n << 53n };
    assert.throws(() => logRing(far, 20_000), { kind: 'invalid', message: /9007199254740992/ });
  });
});

describe('bytes that are no mini-transaction', () => {
  const reason = (bytes: number[] | Uint8Array): string | undefined =>
    scan(Uint8Array.from(bytes)).reason;

  it('have an end marker in the first place', () => {
    assert.match(reason([0]) ?? '', /first byte is 0x00/);
    assert.match(reason([1, 2, 3]) ?? '', /first byte is 0x01/);
  });

  it('have a length of more than 3 bytes', () => {
    assert.match(reason([0x30, 0xe0]) ?? '', /more than 3 bytes/);
  });

  it('have one record of 1 MiB, refused before its bytes are there', () => {
    const length = miniTransactionBytesMax - 16 - 0x4080; // behind the first byte and the "15 +"
    const record = (v: number): number[] => [0x30, 0xc0 | (v >> 16), (v >> 8) & 255, v & 255];
    assert.match(reason(record(length)) ?? '', /no end marker within 1048576 bytes/);
    assert.match(reason(record(0x1fffff)) ?? '', /no end marker within 1048576 bytes/);
    assert.deepEqual(scan(Uint8Array.from(record(length - 1))), { consumed: 0, stop: 'need more' });
  });

  it('have small records up to 1 MiB, but one byte less is taken', () => {
    const records = new Uint8Array(miniTransactionBytesMax).fill(0x3f); // 16 bytes each
    assert.match(scan(miniTransaction(records)).reason ?? '', /no end marker/);
    records[miniTransactionBytesMax - 16] = 0x3e;
    const less = miniTransaction(records.subarray(0, -1));
    assert.equal(scan(less).consumed, less.length);
  });

  it('have the wrong marker, seen before the CRC is there', () => {
    const [first = new Uint8Array()] = hexRuns('worked-example');
    const zero: ScanOptions['sequenceBit'] = () => 0;
    assert.equal(scan(first.subarray(0, 63), { sequenceBit: zero }).stop, 'need more');
    assert.equal(scan(first.subarray(0, 64), { sequenceBit: zero }).stop, 'not a mini-transaction');
  });

  it('never make the scan throw, random or damaged', () => {
    const log = vector('backup-idle').subarray(12_288);
    const onFileRecord = (): void => undefined;
    for (let seed = 1; seed < 2000; seed++) {
      const bytes = noise(seed * 7919, 64 + (seed % 700));
      const { consumed } = scan(bytes, { onFileRecord, nonceBytes: seed % 2 === 0 ? 0 : 8 });
      assert.equal(consumed, 0);
      const damaged = Uint8Array.from(log.subarray(0, 1500));
      damaged.set(bytes.subarray(0, 3), (seed * 31) % 1497);
      assert.ok(scan(damaged, { onFileRecord }).consumed <= 1500);
    }
  });
});

describe('a FILE record with a good CRC', () => {
  const one = (hex: string): FileRecord | undefined => {
    let found: FileRecord | undefined;
    const onFileRecord = (record: FileRecord): void => {
      found = record;
    };
    scan(miniTransaction(Buffer.from(hex.replaceAll(' ', ''), 'hex')), { onFileRecord });
    return found;
  };

  it('of a code nobody knows is passed on as unknown', () => {
    assert.deepEqual(one('c3 05 00 61'), {
      type: 'unknown',
      code: 12,
      reason: 'code 12',
      endLsn: 9,
    });
  });

  it('with a body that cannot be is unknown too', () => {
    const reasons = ['b1 05', 'b1 f1', 'b3 05 07 61', 'a3 05 00 61', 'f4 00 00 01 02'].map(
      (hex) => {
        const record = one(hex);
        return record?.type === 'unknown' ? record.reason : record;
      },
    );
    assert.deepEqual(reasons, [
      'page number is not 0',
      'no space id',
      'page number is not 0',
      'rename without a new name',
      'checkpoint of 2 bytes',
    ]);
  });

  it('of zeros is padding', () => {
    const padding = { type: 'checkpoint', checkpointLsn: undefined, endLsn: 16 };
    assert.deepEqual(one('fa 00 00 0000000000000000'), padding);
  });

  it('has a path longer than 15 bytes and a space id of 3 bytes', () => {
    const path = `./db/${'n'.repeat(200)}.ibd`;
    const body = Buffer.concat([Buffer.from('c0007f00', 'hex'), Buffer.from(path)]);
    const length = Buffer.of(0x80, 0x80 | 0, body.length + 2 - 15 - 128);
    const record = one(Buffer.concat([length, body]).toString('hex'));
    assert.deepEqual(record, {
      type: 'create',
      spaceId: 16_639,
      path,
      endLsn: 3 + body.length + 5,
    });
  });
});

describe('a varint', () => {
  it('starts each form where the shorter one ends', () => {
    const values = ['00', '7f', '8000', 'bfff', 'c00000', 'dfffff', 'e0000000', 'f000000000'].map(
      (hex) => readVarint(Buffer.from(hex, 'hex'), 0, 5)?.value,
    );
    const all = [0, 127, 128, 16_511, 16_512, 2_113_663, 2_113_664, 270_549_120];
    assert.deepEqual(values, all);
  });

  it('is none when cut, when it begins like none, or beyond 32 bits', () => {
    for (const hex of ['', '80', 'c000', 'e00000', 'f0000000', 'f100000000', 'f0ffffffff']) {
      assert.equal(readVarint(Buffer.from(hex, 'hex'), 0, 5), undefined, hex);
    }
  });
});

describe('the CRC of a range', () => {
  it('is the same by table and by native code, whole and continued', () => {
    const bytes = noise(42, 700);
    for (let to = 0; to <= bytes.length; to++) {
      const from = Math.min(to, 3);
      assert.equal(rangeCrc32c(bytes, from, to), crc32c(bytes.subarray(from, to)));
      const middle = to >> 1;
      assert.equal(
        rangeCrc32c(bytes, middle, to, rangeCrc32c(bytes, 0, middle)),
        crc32c(bytes.subarray(0, to)),
      );
    }
  });
});
