import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type MemberEntry,
  beginBytesMax,
  beginName,
  encodeBegin,
  encodeIndex,
  endBytes,
  endName,
  indexBytesMax,
  indexName,
} from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { encodePayloadHeader } from '../../formats/xbstream/index.ts';
import { ArchiveChecker } from '../../src/archive/archive-checker.ts';
import type { FailureCode } from '../../src/errors.ts';
import { toBackupError } from '../../src/errors.ts';
import {
  chunk,
  endChunk,
  join,
  patched,
  payloadChunk,
  sparseChunk,
  text,
  u32,
  u64,
} from '../formats/xbstream/support.ts';
import {
  type Forgery,
  type Sample,
  assemble,
  chunksOf,
  digestOf,
  failureOf,
  judge,
  rearranged,
  sampleBegin,
  samples,
} from './support.ts';

/** Two members, chunks: 0 1 begin, 2 3 4 `a`, 5 6 `b`, 7 8 index, 9 10 end. */
const two: readonly Sample[] = [
  ['a', 'one,', 'two!'],
  ['b', 'x'],
];
const archive = assemble(two);

/** Fed whole and byte by byte, the archive is refused with this code and message. */
async function refuses(bytes: Uint8Array, code: FailureCode, message: RegExp): Promise<void> {
  for (const pieceBytes of [bytes.length, 1]) {
    const error = await failureOf(() => {
      try {
        return judge(bytes, { pieceBytes });
      } catch (error) {
        throw toBackupError(error);
      }
    });
    assert.match(error.message, message);
    assert.equal(error.code, code, error.message);
  }
}

const without = (...gone: number[]): Uint8Array =>
  rearranged(archive, (all) => all.filter((i) => !gone.includes(i)));
const order = (...positions: number[]): Uint8Array => rearranged(archive, () => positions);
/** The chunks of the archive with more of them before chunk `at`. */
const inserted = (at: number, ...chunks: Uint8Array[]): Uint8Array => {
  const from = chunksOf(archive)[at]?.from ?? archive.length;
  return join(archive.subarray(0, from), ...chunks, archive.subarray(from));
};

describe('ArchiveChecker on an archive of xbpipe', () => {
  it('accepts it whole, however its bytes come', () => {
    for (const pieceBytes of [1, 2, 3, 97, 4095, archive.length]) {
      const { begin, members, payloadBytes } = judge(archive, { pieceBytes });
      assert.equal(begin?.backupId, sampleBegin.backupId);
      assert.equal(members, 3);
      assert.equal(payloadBytes, 9 + encodeBegin(sampleBegin).length);
    }
    assert.equal(judge(assemble(samples)).members, samples.length + 1);
  });

  it('refuses an archive without its begin record', async () => {
    await refuses(without(0, 1), 'corrupt', /xbpipe_index\.json at byte \d+ is .* does not begin/);
    await refuses(without(0), 'corrupt', /xbpipe_begin\.json.*: not JSON/);
  });

  it('refuses a begin record that is not the first member', async () => {
    await refuses(
      order(2, 3, 4, 0, 1, 5, 6, 7, 8, 9, 10),
      'corrupt',
      /xbpipe_begin\.json at byte \d+ is .* does not begin/,
    );
    await refuses(order(0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10), 'corrupt', /before the begin record is/);
    await refuses(inserted(7, ...begins), 'corrupt', /xbpipe_begin\.json .* second time/);
  });

  it('refuses an archive without its end record, or with half of it', async () => {
    await refuses(without(9, 10), 'incomplete', /it has no end record/);
    await refuses(without(10), 'incomplete', /it ends while xbpipe_end\.json is open/);
    await refuses(without(9), 'corrupt', /0 bytes instead of 1024/);
    await refuses(without(7, 8, 9, 10), 'incomplete', /it has no end record/);
  });

  it('refuses an archive without its index', async () => {
    await refuses(without(7, 8), 'corrupt', /the index is not the one that the end record vouches/);
    await refuses(without(7), 'corrupt', /the index is not the one that the end record vouches/);
  });

  it('refuses a member after the index, and anything after the end record', async () => {
    await refuses(inserted(9, endChunk('c')), 'corrupt', /c at byte \d+ comes after the index/);
    await refuses(
      inserted(11, endChunk('c')),
      'corrupt',
      /c at byte \d+ comes after the end record/,
    );
    await refuses(
      order(0, 1, 2, 3, 4, 5, 6, 9, 10, 7, 8),
      'corrupt',
      /index.* after the end record/,
    );
    await refuses(join(archive, archive), 'corrupt', /comes after the end record/);
  });

  it('refuses a member that is open when the index comes, or the index when the end record does', async () => {
    await refuses(without(6), 'incomplete', /b is not closed before xbpipe_index\.json/);
    await refuses(without(8), 'incomplete', /xbpipe_index\.json is not closed before xbpipe_end/);
  });

  it('refuses a chunk that is doubled', async () => {
    for (let i = 0; i < 11; i += 1) {
      const doubled = rearranged(archive, (all) => all.flatMap((at) => (at === i ? [at, at] : at)));
      await refuses(doubled, 'corrupt', /doubled or out of order|a second time|comes after the/);
    }
  });

  it('refuses a chunk that is dropped', async () => {
    await refuses(
      without(2),
      'corrupt',
      /a: chunk at byte \d+ is for file offset 4, 0 was expected/,
    );
    await refuses(
      without(3),
      'corrupt',
      /the headers of its chunks are not those that the end record vouches for/,
    );
    await refuses(without(4), 'incomplete', /a is not closed/);
    await refuses(without(5), 'corrupt', /the headers of its chunks are not those/);
    await refuses(without(5, 6), 'corrupt', /the headers of its chunks are not those/);
  });

  it('refuses chunks that have changed places', async () => {
    await refuses(
      order(0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10),
      'corrupt',
      /is for file offset 4, 0 was/,
    );
    await refuses(order(0, 1, 2, 4, 3, 5, 6, 7, 8, 9, 10), 'corrupt', /a at byte .* second time/);
    await refuses(order(0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10), 'corrupt', /b: chunk 0 is not the one/);
  });

  it('refuses a chunk whose file offset leaves a gap or goes back', async () => {
    for (const offset of [3, 5, 0, 2 ** 40]) {
      const second = payloadChunk('a', offset, text('two!'));
      const at = chunksOf(archive)[3]?.from ?? 0;
      await refuses(patched(archive, at, second), 'corrupt', /4 was expected: a chunk is missing/);
    }
  });

  it('refuses a member that comes twice', async () => {
    await refuses(inserted(7, endChunk('b')), 'corrupt', /b at byte \d+ is there a second time/);
    const again = inserted(7, payloadChunk('a', 8, text('!')));
    await refuses(again, 'corrupt', /a at byte \d+ is there a second time/);
  });

  it('refuses chunk types that it never writes', async () => {
    const foreign = [
      chunk('S', 'c', u64(4096)),
      sparseChunk('c', 0, [[4096, 1]], text('x')),
      chunk('R', 'b', u32(1), text('c')),
      chunk('D', 'b'),
      join(ignorable, text('Z'), chunk('Z', 'c', u64(0), u64(0), u32(0)).subarray(10)),
    ];
    for (const one of foreign) {
      await refuses(inserted(7, one), 'corrupt', /chunk at byte \d+ does not belong in it/);
    }
  });

  it('refuses a path with "./" in front, which it never writes', async () => {
    const last = chunksOf(archive).at(-1);
    const whole = archive.subarray(0, last?.from);
    await refuses(join(whole, endChunk(`./${endName}`)), 'corrupt', /not named as we write it/);
  });

  it('refuses a chunk with a flag set, which no writer sets', async () => {
    for (const { from } of chunksOf(archive)) {
      for (const flag of [1, 2, 0x80]) {
        await refuses(patched(archive, from + 8, Uint8Array.of(flag)), 'corrupt', /flags/);
      }
    }
  });
});

const begins = chunksOf(archive)
  .slice(0, 2)
  .map(({ bytes }) => bytes);
const ignorable = join(text('XBSTCK01'), Uint8Array.of(1));

describe('ArchiveChecker on the records of an archive of xbpipe', () => {
  const forged = (forgery: Forgery): Uint8Array => assemble(two, forgery);
  const other = '00000000-0000-4000-8000-000000000000';
  /** An index that lists something else than what is there, vouched for by the end record. */
  const lying = (change: (a: MemberEntry, all: MemberEntry[]) => unknown): Uint8Array =>
    forged({
      index: (members) => {
        const a = members[1];
        assert.equal(a?.path, 'a');
        change(a, members);
        return members;
      },
    });

  it('refuses a begin record that it does not understand', async () => {
    const newer = text(JSON.stringify({ ...sampleBegin, format: 2 }));
    await refuses(forged({ begin: newer }), 'corrupt', /format.*: 2 is not known to this version/);
    await refuses(forged({ begin: text('{') }), 'corrupt', /xbpipe_begin\.json.*: not JSON/);
  });

  it('refuses records of another backup', async () => {
    const begin = encodeBegin({ ...sampleBegin, backupId: other });
    const message = /begin record, index and end record are of different backups/;
    await refuses(forged({ begin }), 'corrupt', message);
    await refuses(forged({ end: (end) => ({ ...end, backupId: other }) }), 'corrupt', message);
    const index = (members: MemberEntry[]): Uint8Array => join(...encodeIndex(other, members));
    await refuses(forged({ index }), 'corrupt', message);
  });

  it('refuses an index that the end record does not vouch for', async () => {
    const { indexSha256 } = digestOf(text('another'));
    const message = /the index is not the one that the end record vouches for/;
    await refuses(forged({ end: (end) => ({ ...end, indexSha256 }) }), 'corrupt', message);
    const longer = forged({ end: (end) => ({ ...end, indexLength: end.indexLength + 1 }) });
    await refuses(longer, 'corrupt', message);
  });

  it('refuses an index or end record that is elsewhere than the end record says', async () => {
    const index = forged({ end: (end) => ({ ...end, indexOffset: end.indexOffset + 1 }) });
    await refuses(index, 'corrupt', /xbpipe_index\.json is not where the end record says/);
    const end = forged({ end: (end) => ({ ...end, endOffset: end.endOffset - 1 }) });
    await refuses(end, 'corrupt', /xbpipe_end\.json is not where the end record says/);
  });

  it('refuses headers of chunks that the end record does not vouch for', async () => {
    const chunksSha256 = 'ab'.repeat(32);
    const message = /the headers of its chunks are not those that the end record vouches for/;
    await refuses(forged({ end: (end) => ({ ...end, chunksSha256 }) }), 'corrupt', message);
  });

  it('refuses totals that are not those of what arrived', async () => {
    const message = /the end record counts/;
    await refuses(forged({ end: (e) => ({ ...e, members: e.members + 1 }) }), 'corrupt', message);
    const bytes = forged({ end: (e) => ({ ...e, payloadBytes: e.payloadBytes - 1 }) });
    await refuses(bytes, 'corrupt', message);
  });

  it('refuses an index or end record of another format', async () => {
    const index = (members: MemberEntry[]): Uint8Array => {
      const lines = Buffer.from(join(...encodeIndex(sampleBegin.backupId, members))).toString();
      return text(lines.replace('"format":1', '"format":2'));
    };
    await refuses(forged({ index }), 'corrupt', /xbpipe_index\.json > format.*: 2 is not known/);
    const end = text(JSON.stringify({ format: 2 }).padEnd(endBytes - 1) + '\n');
    await refuses(forged({ end: () => end }), 'corrupt', /xbpipe_end\.json > format.*: 2 is not/);
  });

  it('refuses an index that lists other members than those that arrived', async () => {
    const more = { path: 'c', size: 0, chunks: [] };
    await refuses(
      lying((_, all) => all.push(more)),
      'corrupt',
      /member c: the index lists it, but/,
    );
    const fewer = lying((_, all) => all.splice(1, 1));
    await refuses(fewer, 'corrupt', /member a: it arrived, but the index does not list it/);
    // As many as arrived, but one twice and one not at all.
    const twice = lying((_, all) => all.splice(1, 1, structuredClone(all[2] ?? more)));
    await refuses(twice, 'corrupt', /member a: it arrived, but the index does not list it/);
    await refuses(
      lying((a, all) => all.push(a)),
      'corrupt',
      /a member is listed twice/,
    );
    await refuses(
      lying((a) => (a.path = 'A')),
      'corrupt',
      /member A: the index lists it, but/,
    );
  });

  it('refuses an index that lists a member otherwise than it arrived', async () => {
    await refuses(
      lying((a) => (a.size += 1)),
      'corrupt',
      /member a: 8 bytes arrived, .* lists 9/,
    );
    const fewer = lying((a) => a.chunks.splice(4));
    await refuses(fewer, 'corrupt', /member a: 2 chunks arrived, the index lists 1/);
    for (let i = 0; i < 8; i += 1) {
      const other = lying((a) => (a.chunks[i] = (a.chunks[i] ?? 0) + 1));
      const message = new RegExp(
        `member a: chunk ${Math.floor(i / 4)} is not the one in the index`,
      );
      await refuses(other, 'corrupt', message);
    }
  });

  it('refuses an index that cannot be read', async () => {
    const index = (): Uint8Array => text('{"format":1,"backupId":"x","members":[\n{}\n]}\n');
    await refuses(forged({ index }), 'corrupt', /members\[0\] > chunks at byte 0: array wanted/);
  });
});

describe('ArchiveChecker on records that are too long', () => {
  const pieceBytes = 4096;

  /** Feeds one chunk that claims `claimed` bytes; how many it took before it was refused. */
  async function bytesTaken(path: string, claimed: number): Promise<number> {
    const checker = new ArchiveChecker();
    const feed = (bytes: Uint8Array): void => {
      for (const _ of checker.push(bytes));
    };
    if (path !== beginName)
      feed(join(payloadChunk(beginName, 0, encodeBegin(sampleBegin)), endChunk(beginName)));
    feed(encodePayloadHeader(path, 0, claimed, 0));
    let taken = 0;
    const error = await failureOf(() => {
      const zeros = new Uint8Array(pieceBytes);
      for (; taken < claimed; taken += pieceBytes) feed(zeros);
    });
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, new RegExp(`^${path} is longer than the \\d+ bytes it can have`));
    return taken;
  }

  it('refuses a begin record of a terabyte after what a begin record may have', async () => {
    assert.ok((await bytesTaken(beginName, 2 ** 40)) <= beginBytesMax);
  });

  it('refuses an index that is longer than the members and chunks that came allow', async () => {
    assert.ok((await bytesTaken(indexName, 2 ** 50)) <= indexBytesMax(2, 2));
  });

  it('refuses an end record that is longer than it is', async () => {
    assert.equal(await bytesTaken(endName, 2 ** 30), 0);
    const long = assemble([], { end: () => new Uint8Array(endBytes + 1) });
    await refuses(long, 'corrupt', /longer than the 1024 bytes/);
  });

  it('takes the longest index that an archive of hostile names can need', () => {
    // Every character of such a name takes six in JSON.
    const names = Array.from({ length: 300 }, (_, i) => [`${'\u0001'.repeat(500)}${i}`] as const);
    assert.equal(judge(assemble(names)).members, 301);
  });

  it('takes the longest index that an archive of many small chunks can need', () => {
    const payloads = Array.from({ length: 2000 }, () => 'x');
    assert.equal(judge(assemble([['a', ...payloads]])).members, 2);
  });
});

describe('ArchiveChecker on paths', () => {
  const named = (path: string | Uint8Array): Uint8Array => inserted(7, chunk('E', path));

  it('refuses paths that leave the directory or name no file in it', async () => {
    for (const path of ['/etc/passwd', '/', './/etc/passwd/..']) {
      await refuses(named(path), 'corrupt', /the path is absolute|leaves its directory/);
    }
    for (const path of ['..', '../x', 'a/..', 'a/../b', './../x']) {
      await refuses(named(path), 'corrupt', /the path leaves its directory with "\.\."/);
    }
    for (const path of ['.', 'a//b', 'a/', 'a/./b', 'a/.']) {
      await refuses(named(path), 'corrupt', /the path has an empty component/);
    }
    await refuses(named('./'), 'corrupt', /the path is empty/);
  });

  it('refuses paths that are empty, hold a NUL, are over 511 bytes or no UTF-8', async () => {
    await refuses(named(''), 'corrupt', /path length .*: the path is empty/);
    await refuses(named('a\0b'), 'corrupt', /the path holds a NUL at its byte 1/);
    await refuses(named('x'.repeat(512)), 'corrupt', /512 bytes are over the limit 511/);
    await refuses(named(Uint8Array.of(0x61, 0xff)), 'corrupt', /the path is not valid UTF-8/);
  });

  it('refuses them in every type of chunk, the new path of a rename included', async () => {
    const bad = '../x';
    const types = [
      payloadChunk(bad, 0, text('x')),
      sparseChunk(bad, 0, [[0, 1]], text('x')),
      join(chunk('S', bad, u64(1)), endChunk(bad)),
      chunk('D', bad),
      chunk('R', bad, u32(1), text('y')),
      chunk('R', 'y', u32(bad.length), text(bad)),
    ];
    for (const one of types) await refuses(one, 'corrupt', /leaves its directory with/);
  });

  it('names path and place in the error', async () => {
    const error = await failureOf(() => judge(named('../x')));
    const offset = chunksOf(archive)[7]?.from ?? 0;
    assert.deepEqual(error.where, { path: '../x', offset, field: 'path' });
  });

  it('takes names that only look dangerous', () => {
    const names = ['..x', 'x..', '...', 'a/..b', '.hidden', 'a\\b', 'ünïcode', 'x'.repeat(511)];
    assert.equal(judge(assemble(names.map((name) => [name] as const))).members, 9);
  });
});

describe('ArchiveChecker on chunk damage', () => {
  it('refuses a payload whose CRC is wrong', async () => {
    const header = encodePayloadHeader('c', 0, 1, crc32(text('x')));
    await refuses(inserted(7, header, text('y')), 'corrupt', /"c" > crc .*: stored 0x/);
  });

  it('refuses an archive that is empty, cut or something else', async () => {
    const checker = new ArchiveChecker();
    assert.match((await failureOf(() => checker.end())).message, /it is empty/);
    await refuses(archive.subarray(0, -1), 'incomplete', /the archive stops at byte/);
    await refuses(text('-- MariaDB dump'), 'corrupt', /magic at byte 0: no chunk starts here/);
  });
});
