import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keyCheckOf } from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { ArchiveChecker } from '../../src/archive/archive-checker.ts';
import { type FailureCode, toBackupError } from '../../src/errors.ts';
import type { Encoding } from '../../src/transform/encoding.ts';
import { payloadChunk, endChunk, join, text } from '../formats/xbstream/support.ts';
import {
  assembleEncrypted,
  encryptedBegin,
  key,
  locked,
  otherKey,
  withCrc,
  writeEncoded,
} from './encrypted-support.ts';
import {
  type Sample,
  assemble,
  chunksOf,
  failureOf,
  flipped,
  judge,
  rearranged,
  sampleBegin,
  writeArchive,
} from './support.ts';

/** Chunks: 0 1 begin, 2 3 4 `a`, 5 6 `b`, 7 8 `c`, 9 10 index, 11 12 end. */
const members: readonly Sample[] = [
  ['a.xbcrypt', locked(text('one,')), locked(text('two!'))],
  ['b.xbcrypt', locked(text('x'))],
  ['xtrabackup_checkpoints', 'plain'],
];
const archive = assembleEncrypted(members);

/** Refused with and without the key, unless told which of both. */
async function refuses(
  bytes: Uint8Array,
  code: FailureCode,
  message: RegExp,
  keys: readonly (Uint8Array | undefined)[] = [undefined, key],
): Promise<void> {
  for (const given of keys) {
    const error = await failureOf(() => {
      try {
        return judge(bytes, { key: given });
      } catch (error) {
        throw toBackupError(error);
      }
    });
    assert.match(error.message, message);
    assert.equal(error.code, code, error.message);
  }
}

const sealMessage = /the HMAC of its end record is wrong: its records were changed/;
const headersMessage = /the headers of its chunks are not those that the end record vouches for/;

describe('ArchiveChecker on an encrypted archive', () => {
  it('accepts it with the key, without it, and by the writer under test, however it comes', async () => {
    const pieces = [text('one,'), text('two!')] as const;
    const chunkBytes = 65536;
    const written = await writeEncoded(
      [
        ['a', ...pieces],
        ['b', text('x')],
      ],
      {
        compression: { algorithm: 'zstd', level: 1 },
        encryption: { algorithm: 'AES256', key, chunkBytes },
        digests: true,
      },
    );
    for (const one of [archive, written]) {
      for (const pieceBytes of [1, 7, 4096, one.length]) {
        assert.equal(judge(one, { pieceBytes, key }).seal, 'right');
        assert.equal(judge(one, { pieceBytes }).seal, 'unchecked');
      }
    }
  });

  it('tells of no seal where there is none', async () => {
    assert.equal(judge(await writeArchive([['a', 'x']]), { key }).seal, 'none');
    assert.equal(judge(await writeArchive([['a', 'x']])).seal, 'none');
  });

  it('refuses another key when it has the begin record and nothing more', async () => {
    const checker = new ArchiveChecker({ key: otherKey });
    const begin = chunksOf(archive)[0]?.bytes ?? new Uint8Array(0);
    const error = await failureOf(() => {
      for (const _ of checker.push(begin));
    });
    assert.equal(error.code, 'wrong-key');
  });

  it('asks for the key, if it must have it, when it has the begin record', async () => {
    const checker = new ArchiveChecker({ needKey: true });
    const begin = chunksOf(archive)[0]?.bytes ?? new Uint8Array(0);
    const error = await failureOf(() => {
      for (const _ of checker.push(begin));
    });
    assert.equal(error.code, 'usage');
    assert.match(error.message, /encrypted with AES256 and no key is given/);
    assert.match(error.hint ?? '', /--encrypt-key-file/);
    assert.equal(judge(await writeArchive([['a', 'x']]), { needKey: true }).members, 2);
  });

  it('goes without the key check of a begin record that has none', async () => {
    const begin = { ...encryptedBegin, keyCheck: undefined };
    const unchecked = assembleEncrypted(members, { begin });
    assert.equal(judge(unchecked, { key }).seal, 'right');
    await refuses(unchecked, 'corrupt', sealMessage, [otherKey]);
  });
});

describe('ArchiveChecker on an encrypted archive, with or without the key, refuses', () => {
  const order = (...positions: number[]): Uint8Array => rearranged(archive, () => positions);
  const positions = chunksOf(archive).map((_, i) => i);

  it('payload chunks of members that have changed places', async () => {
    // Both orders are possible: a member may begin before another ends.
    await refuses(order(0, 1, 2, 5, 3, 4, 6, 7, 8, 9, 10, 11, 12), 'corrupt', headersMessage);
    await refuses(order(0, 1, 5, 6, 2, 3, 4, 7, 8, 9, 10, 11, 12), 'corrupt', headersMessage);
  });

  it('an archive without a member, or without the last chunk of one', async () => {
    const without = (...gone: number[]): Uint8Array =>
      rearranged(archive, (all) => all.filter((i) => !gone.includes(i)));
    for (const gone of [[3], [5], [5, 6], [2, 3, 4], [7, 8]]) {
      await refuses(without(...gone), 'corrupt', headersMessage);
    }
    for (const gone of positions) {
      await failureOf(() => {
        try {
          return judge(without(gone));
        } catch (error) {
          throw toBackupError(error);
        }
      });
    }
  });

  it('a member under another name', async () => {
    const chunks = chunksOf(archive).map(({ bytes }) => bytes);
    const payload = members[1]?.[1] as Uint8Array;
    const renamed = [payloadChunk('B.xbcrypt', 0, payload), endChunk('B.xbcrypt')];
    await refuses(join(...chunks.toSpliced(5, 2, ...renamed)), 'corrupt', headersMessage);
  });

  it('an end record without an HMAC', async () => {
    const bare = assembleEncrypted(members, { sealed: (end) => ({ ...end, hmac: undefined }) });
    await refuses(bare, 'corrupt', /it is encrypted, but its end record has no HMAC/);
  });
});

describe('ArchiveChecker with the key refuses', () => {
  it('a payload in another’s place that has its length and CRC', async () => {
    const [original = ''] = [members[1]?.[1]];
    assert.ok(original instanceof Uint8Array);
    const forgedStart = new Uint8Array(original.length - 4).fill(0x66);
    const forged = withCrc(forgedStart, crc32(original));
    assert.equal(crc32(forged), crc32(original));
    const chunks = chunksOf(archive).map(({ bytes }) => bytes);
    const exchanged = join(...chunks.with(5, payloadChunk('b.xbcrypt', 0, forged)));
    const message = /member b\.xbcrypt: chunk 0 has not the SHA-256 of the index/;
    await refuses(exchanged, 'corrupt', message, [key]);
    // Who has no key cannot read the index: that is what the warning is for.
    assert.equal(judge(exchanged).seal, 'unchecked');
  });

  it('a begin record that was changed, with everything else made to fit', async () => {
    const begin = { ...encryptedBegin, serverVersion: '10.11.20-MariaDB-log' };
    const other = assembleEncrypted(members, { begin });
    const mine = chunksOf(archive);
    const spliced = join(
      ...chunksOf(other).map(({ bytes }, i) => (i >= 11 ? (mine[i]?.bytes ?? bytes) : bytes)),
    );
    await refuses(spliced, 'corrupt', /vouches for/);
    const resealed = assembleEncrypted(members, {
      begin,
      // The seal of the true begin record, everything else consistent.
      sealed: (end) => ({ ...end, hmac: sealOfArchive }),
    });
    await refuses(resealed, 'corrupt', sealMessage, [key]);
  });

  it('an archive whose records somebody else wrote', async () => {
    const forger = assembleEncrypted(members, { by: otherKey });
    await refuses(forger, 'corrupt', sealMessage, [key]);
    assert.equal(judge(forger).seal, 'unchecked');
    const keyCheck = keyCheckOf(otherKey, sampleBegin.backupId);
    const begin = { ...encryptedBegin, keyCheck };
    await refuses(
      assembleEncrypted(members, { by: otherKey, begin }),
      'wrong-key',
      /the key is not the one/,
      [key],
    );
  });

  it('an HMAC that is missing a byte, or is another’s', async () => {
    for (const hmac of [sealOfArchive.slice(2), sealOfArchive, '', 'no hex']) {
      const begin = { ...encryptedBegin, redoStart: 1 };
      const forged = assembleEncrypted(members, { begin, sealed: (end) => ({ ...end, hmac }) });
      await refuses(forged, 'corrupt', sealMessage, [key]);
    }
  });

  it('an index without the digests that the begin record promises', async () => {
    const index = { digests: false };
    await refuses(
      assembleEncrypted(members, index),
      'corrupt',
      /member xbpipe_begin.json: the index has no SHA-256 of it/,
      [key],
    );
  });

  it('an index whose digests are of other payloads, though it is sealed', async () => {
    const wrong = assembleEncrypted(members, {
      index: (entries) =>
        entries.map((entry) => ({
          ...entry,
          digests: entry.digests?.map(() => 'ab'.repeat(32)),
        })),
    });
    const message = /chunk 0 has not the SHA-256 of the index/;
    await refuses(wrong, 'corrupt', message, [key]);
  });

  it('an index that is plain or compressed only, wherever its members are encrypted', async () => {
    // Sealed, so it would be by somebody with the key: it still proves what it lists.
    const encodeIndex = { suffix: '', encode: (index: Uint8Array) => index };
    assert.equal(judge(assembleEncrypted(members, { encodeIndex }), { key }).seal, 'right');
    const cut = {
      suffix: '.xbcrypt',
      encode: (index: Uint8Array) => locked(index).subarray(0, -1),
    };
    await refuses(assembleEncrypted(members, { encodeIndex: cut }), 'incomplete', /is cut/, [key]);
  });
});

const sealOfArchive =
  /"hmac":"([0-9a-f]{64})"/.exec(Buffer.from(archive).toString('latin1'))?.[1] ?? '';

describe('a plain archive with digests', () => {
  it('is refused for a payload exchanged for one with its CRC', async () => {
    const whole = await writeArchive([['a', 'original payload']], { digests: true });
    assert.equal(judge(whole).members, 2);
    const forged = withCrc(text('another payl'), crc32(text('original payload')));
    const chunks = chunksOf(whole).map(({ bytes }) => bytes);
    const exchanged = join(...chunks.with(2, payloadChunk('a', 0, forged)));
    await refuses(exchanged, 'corrupt', /member a: chunk 0 has not the SHA-256 of the index/);
  });
});

describe('a small encrypted archive with one bit flipped', () => {
  const encryption = { algorithm: 'AES128', key: key.subarray(0, 16), chunkBytes: 1024 };
  const zstd = { compression: { algorithm: 'zstd', level: 1 }, encryption, digests: true } as const;

  /** Every flip that is taken for whole, as `byte.bit`. */
  const accepted = (bytes: Uint8Array, given: Uint8Array | undefined): string[] => {
    const found: string[] = [];
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        try {
          judge(flipped(bytes, at, bit), { key: given });
          found.push(`${at}.${bit}`);
        } catch {
          // Refused.
        }
      }
    }
    return found;
  };

  for (const [name, encoding] of [
    ['compressed and encrypted', zstd],
    ['encrypted only', { encryption, digests: true } satisfies Encoding],
  ] as const) {
    it(`is refused with and without the key, ${name}`, async () => {
      const small = await writeEncoded(
        [['t', text('rows')], ['empty'], ['x.meta', text('m')]],
        encoding,
      );
      assert.equal(judge(small, { key: encryption.key }).seal, 'right');
      assert.deepEqual(accepted(small, encryption.key), []);
      assert.deepEqual(accepted(small, undefined), []);
    });
  }
});

describe('an archive that says it is plain', () => {
  it('has no seal, so a forger can write it: the summary tells', () => {
    const forged = assemble([['a', 'anything']]);
    assert.equal(judge(forged, { key }).seal, 'none');
  });
});
