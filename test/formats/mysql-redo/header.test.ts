import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataView } from '../../../formats/layout.ts';
import {
  blockTable,
  checkpointLsns,
  checkpointTable,
  decodeCheckpoint,
  decodeLogHeader,
  encodeCheckpoint,
  encodeLogHeader,
  encryptionBlock,
  encryptionBlockTable,
  logFlagBits,
  logHeaderTable,
} from '../../../formats/mysql-redo/index.ts';
import { layoutRows, layoutTitles, specTable } from '../../support/spec-table.ts';
import { encrypted, flipped, live, noise, vector, withChecksum } from './support.ts';

const spec = (file: string): string => `formats/mysql-redo/${file}`;
const heads = ['live', 'full', 'full-checkpoints', 'disabled', 'encrypted'];

describe('the specs', () => {
  it('have the field tables of the code', () => {
    const tables = {
      'log-header.md': logHeaderTable,
      'checkpoint.md': checkpointTable,
      'encryption-block.md': encryptionBlockTable,
      'block.md': blockTable,
    };
    for (const [file, table] of Object.entries(tables)) {
      assert.deepEqual(specTable(spec(file), layoutTitles), layoutRows(table), file);
      assert.equal(table.size, 512);
    }
  });

  it('have the flags of the code', () => {
    const rows = specTable(spec('log-header.md'), ['bit', 'flag', 'meaning']);
    const flags = Object.fromEntries(rows.map(([bit, flag]) => [flag ?? '', Number(bit)]));
    assert.deepEqual(flags, logFlagBits);
  });
});

describe('a log header', () => {
  it('of a live file is read', () => {
    assert.deepEqual(decodeLogHeader(vector('live')), {
      logUuid: 0x375d_1d0c,
      startLsn: 144_621_568,
      creator: 'MySQL 9.7.4',
      flags: [],
    });
  });

  it('says by flags that a file is full and that redo logging is disabled', () => {
    assert.deepEqual(decodeLogHeader(vector('full')).flags, ['full']);
    assert.deepEqual(decodeLogHeader(vector('full-checkpoints')).flags, ['full']);
    assert.deepEqual(decodeLogHeader(vector('disabled')).flags, ['noLogging', 'crashUnsafe']);
  });

  it('is encoded to the bytes of the server', () => {
    for (const name of heads) {
      const bytes = vector(name).subarray(0, 512);
      assert.deepEqual(encodeLogHeader(decodeLogHeader(bytes)), bytes, name);
    }
  });

  it('is truncated below 512 bytes, whatever the cut', () => {
    const bytes = vector('live');
    for (let cut = 0; cut < 512; cut++) {
      assert.throws(() => decodeLogHeader(bytes.subarray(0, cut)), { kind: 'truncated' });
    }
  });

  it('of another format is refused by its number', () => {
    const refuses = (format: number, message: RegExp): void => {
      const bytes = vector('live').subarray(0, 512);
      dataView(bytes).setUint32(0, format);
      const error = { kind: 'invalid', field: 'redo log header > format', message };
      assert.throws(() => decodeLogHeader(withChecksum(bytes)), error);
    };
    refuses(
      5,
      /5 is not supported \(MySQL 8\.0\.28 and 8\.0\.29\); 6 is \(MySQL 8\.0\.30 or later\)/,
    );
    refuses(0x50687973, /1349024115 is not supported \(MariaDB 10\.8 or later\); 6 is/);
    refuses(7, /: 7 is not supported; 6 is/);
  });

  it('with any flipped bit is refused', () => {
    const bytes = vector('full').subarray(0, 512);
    for (let bit = 0; bit < 512 * 8; bit++) {
      assert.throws(() => decodeLogHeader(flipped(bytes, bit)), { kind: 'invalid' }, `bit ${bit}`);
    }
  });

  it('with a start LSN that cannot be is refused', () => {
    const refuses = (startLsn: bigint, message: RegExp): void => {
      const bytes = vector('live').subarray(0, 512);
      dataView(bytes).setBigUint64(8, startLsn);
      const error = { kind: 'invalid', offset: 8, message };
      assert.throws(() => decodeLogHeader(withChecksum(bytes)), error);
    };
    refuses(7680n, /7680 is below 8192/);
    refuses(8193n, /8193 is not a multiple of 512/);
    refuses(2n ** 53n, /9007199254740992 is beyond the safe integer range/);
    refuses(2n ** 64n - 512n, /beyond the safe integer range/);
  });

  it('with a flag that nobody knows is refused', () => {
    const bytes = vector('live').subarray(0, 512);
    dataView(bytes).setUint32(48, 0x18);
    const error = { kind: 'invalid', offset: 48, message: /0x00000018 has unknown bits/ };
    assert.throws(() => decodeLogHeader(withChecksum(bytes)), error);
  });

  it('is taken with a stale checksum only when asked for', () => {
    const bytes = vector('live').subarray(0, 512);
    bytes.set(Buffer.from('xtrabkup 261121 14:30:00\0\0\0\0\0\0\0\0'), 16);
    assert.throws(() => decodeLogHeader(bytes), { kind: 'invalid', offset: 508 });
    const header = decodeLogHeader(bytes, { staleChecksum: true });
    assert.equal(header.creator, 'xtrabkup 261121 14:30:00');
  });

  it('is not encoded with a creator or a start LSN that cannot be', () => {
    const make = (creator: string, startLsn: number) => () =>
      encodeLogHeader({ logUuid: 1, startLsn, creator, flags: [] });
    assert.equal(make('x'.repeat(31), 8192)().length, 512);
    assert.throws(make('x'.repeat(32), 8192), RangeError);
    assert.throws(make('é', 8192), RangeError);
    assert.throws(make('', 8191), RangeError);
    assert.throws(make('', 8192 + 256), RangeError);
    assert.throws(make('', 2 ** 53), RangeError);
  });
});

describe('the checkpoints of a file', () => {
  const file = { startLsn: 144_621_568, fileBytes: 262_144 };
  const header = (first: Uint8Array, second: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(2048);
    bytes.set(first, 512);
    bytes.set(second, 1536);
    return bytes;
  };

  it('are what the server said', () => {
    assert.deepEqual(checkpointLsns(vector('live'), file), [live.checkpoint]);
    const encryptedFile = { startLsn: 19_255_296, fileBytes: 262_144 };
    const found = checkpointLsns(vector('encrypted'), encryptedFile);
    assert.equal(Math.max(...found), encrypted.checkpoint);
  });

  it('are both blocks of a file that has two, in their order', () => {
    const two = { startLsn: 142_540_800, fileBytes: 262_144 };
    assert.deepEqual(checkpointLsns(vector('full-checkpoints'), two), [142_562_574, 142_604_049]);
  });

  it('are none in a file that never had one', () => {
    const bytes = vector('full');
    assert.deepEqual(checkpointLsns(bytes, { startLsn: 144_361_472, fileBytes: 262_144 }), []);
    assert.deepEqual([decodeCheckpoint(bytes, 512), decodeCheckpoint(bytes, 1536)], [0, 0]);
  });

  it('are only those inside of the file', () => {
    const { startLsn, fileBytes } = file;
    const end = startLsn + fileBytes - 2048;
    const pair = (a: number, b: number): Uint8Array =>
      header(encodeCheckpoint(a), encodeCheckpoint(b));
    assert.deepEqual(checkpointLsns(pair(startLsn - 1, end), file), []);
    assert.deepEqual(checkpointLsns(pair(startLsn, end - 1), file), [startLsn, end - 1]);
    const huge = encodeCheckpoint(1);
    dataView(huge).setBigUint64(8, 2n ** 64n - 1n);
    withChecksum(huge);
    assert.deepEqual(checkpointLsns(header(huge, encodeCheckpoint(end - 1)), file), [end - 1]);
    assert.throws(() => decodeCheckpoint(header(huge, huge), 512), {
      kind: 'invalid',
      offset: 520,
    });
  });

  it('are not those of a torn block, whichever bit is wrong', () => {
    const bytes = vector('live').subarray(0, 2048);
    for (let bit = 512 * 8; bit < 1024 * 8; bit++) {
      const torn = flipped(bytes, bit);
      assert.deepEqual(checkpointLsns(torn, file), [], `bit ${bit}`);
      assert.throws(() => decodeCheckpoint(torn, 512), { kind: 'invalid' }, `bit ${bit}`);
    }
  });

  it('need the whole 2048 bytes', () => {
    const bytes = vector('live');
    for (let cut = 0; cut < 2048; cut++) {
      assert.throws(() => checkpointLsns(bytes.subarray(0, cut), file), { kind: 'truncated' });
    }
    assert.throws(() => decodeCheckpoint(bytes.subarray(0, 1023), 512), { kind: 'truncated' });
  });

  it('are encoded to the bytes of the server', () => {
    const bytes = vector('live');
    assert.deepEqual(encodeCheckpoint(live.checkpoint), bytes.slice(512, 1024));
    assert.deepEqual(encodeCheckpoint(0), bytes.slice(1536, 2048));
  });
});

describe('the encryption block', () => {
  it('is absent from a plain log', () => {
    for (const name of heads.slice(0, -1)) assert.equal(encryptionBlock(vector(name)), undefined);
  });

  it('of an encrypted log is found as it is', () => {
    const bytes = vector('encrypted');
    const block = encryptionBlock(bytes);
    assert.ok(block);
    assert.deepEqual(block, bytes.subarray(1024, 1536));
    const fields = encryptionBlockTable.decode(block);
    assert.equal(Buffer.from(fields.magic).toString(), 'lCC');
    assert.equal(Buffer.from(fields.masterKeyId).toString('hex'), '00000001');
    assert.match(
      Buffer.from(fields.serverUuid).toString(),
      /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
  });

  it('that holds something else is refused', () => {
    const refuses = (at: number, field: string): void => {
      const bytes = vector('encrypted');
      bytes[at] = 1;
      const error = { kind: 'invalid', field: `redo encryption block > ${field}` };
      assert.throws(() => encryptionBlock(bytes), error);
    };
    refuses(1024, 'before');
    refuses(1071, 'before');
    refuses(1074, 'magic');
    refuses(1183, 'behind');
    refuses(1535, 'behind');
    const plain = vector('live');
    plain[1100] = 1;
    assert.throws(() => encryptionBlock(plain), { kind: 'invalid', offset: 1072 });
  });

  it('needs the bytes up to its end, whatever the cut', () => {
    const bytes = vector('encrypted');
    for (let cut = 0; cut < 1536; cut++) {
      assert.throws(() => encryptionBlock(bytes.subarray(0, cut)), { kind: 'truncated' });
    }
  });
});

describe('random bytes', () => {
  it('are no header, no checkpoint and no key', () => {
    for (let seed = 1; seed < 300; seed++) {
      const bytes = noise(seed * 104_729, 2048);
      assert.throws(() => decodeLogHeader(bytes), { name: 'FormatError', kind: 'invalid' });
      assert.throws(() => encryptionBlock(bytes), { name: 'FormatError', kind: 'invalid' });
      const everywhere = { startLsn: 0, fileBytes: 2 ** 52 };
      assert.deepEqual(checkpointLsns(bytes, everywhere), []);
    }
  });
});
