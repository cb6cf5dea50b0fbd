import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  chunk,
  endChunk,
  join,
  payloadChunk,
  sparseChunk,
  text,
  u32,
  u64,
} from '../formats/xbstream/support.ts';
import { assemble, failureOf, judge, rearranged, stockArchive, stockMember } from './support.ts';

const refuses = async (archive: Uint8Array, message: RegExp): Promise<void> => {
  for (const pieceBytes of [archive.length, 1]) {
    const error = await failureOf(() => judge(archive, { pieceBytes }));
    assert.match(error.message, message);
  }
};

describe('ArchiveChecker on an archive by a stock tool', () => {
  it('accepts one whose members are closed and whose closing files are there', () => {
    const archive = stockArchive(...stockMember('ibdata1', 'one', 'two'), endChunk('empty'));
    for (const pieceBytes of [1, 7, archive.length]) {
      const summary = judge(archive, { pieceBytes });
      assert.deepEqual(summary, {
        begin: undefined,
        seal: 'none',
        members: 4,
        payloadBytes: 8,
      });
    }
  });

  it('takes the names of either series, and of compressed and encrypted members', () => {
    const names: [string, string][] = [
      ['mariadb_backup_checkpoints', 'mariadb_backup_info'],
      ['xtrabackup_checkpoints', 'xtrabackup_info.qp'],
      ['xtrabackup_checkpoints', 'xtrabackup_info.lz4.xbcrypt'],
      ['xtrabackup_checkpoints', 'xtrabackup_info.zst'],
      ['xtrabackup_checkpoints.xbcrypt', 'xtrabackup_info.xbcrypt'],
    ];
    for (const [checkpoints, info] of names) {
      const archive = join(...stockMember(checkpoints, 'c'), ...stockMember(info, 'i'));
      assert.equal(judge(archive).members, 2, info);
    }
  });

  it('refuses one without its checkpoints or info, as a cut between two members leaves it', async () => {
    const [data, c, i] = [
      ['ibdata1', 'x'],
      ['xtrabackup_checkpoints', 'c'],
      ['xtrabackup_info', 'i'],
    ].map(([path = '', content = '']) => join(...stockMember(path, content)));
    assert.ok(data && c && i);
    await refuses(join(data, c), /neither xtrabackup_info nor mariadb_backup_info is in it/);
    await refuses(join(data, i), /neither xtrabackup_checkpoints nor mariadb_backup_checkpoints/);
    await refuses(data, /neither xtrabackup_checkpoints/);
    const { hint, code } = await failureOf(() => judge(data));
    assert.equal(code, 'incomplete');
    assert.match(hint ?? '', /--any-archive/);
  });

  it('refuses one whose closing files are empty: their only chunk is lost', async () => {
    const empty = join(...stockMember('xtrabackup_checkpoints', 'c'), endChunk('xtrabackup_info'));
    await refuses(empty, /neither xtrabackup_info/);
  });

  it('refuses one that leaves a member open', async () => {
    const open = stockArchive(payloadChunk('t.ibd', 0, text('x')), payloadChunk('u', 0, text('y')));
    await refuses(open, /it ends while t\.ibd is open \(2 members in all\)/);
  });

  it('refuses a gap, a chunk that goes back and a member that comes twice', async () => {
    const first = payloadChunk('t', 0, text('one'));
    const expected = /3 was expected: a chunk is missing, doubled or out of order/;
    for (const offset of [4, 2, 0]) {
      const second = payloadChunk('t', offset, text('two'));
      await refuses(stockArchive(first, second, endChunk('t')), expected);
    }
    await refuses(stockArchive(first, endChunk('t'), endChunk('t')), /t at byte .* a second time/);
  });

  it('refuses an archive of xbpipe that lost its front', async () => {
    const own = assemble([
      ['xtrabackup_checkpoints', 'c'],
      ['xtrabackup_info', 'i'],
    ]);
    const headless = rearranged(own, (all) => all.slice(2));
    await refuses(
      headless,
      /xbpipe_index\.json at byte \d+ is there, but the archive does not begin/,
    );
    for (const kept of [6, 8]) {
      // Index and end record lost, or only the end record.
      const rest = rearranged(own, (all) => all.slice(2, kept));
      if (kept === 6) assert.equal(judge(rest).members, 2, 'all that proves it ours is gone');
      else await refuses(rest, /does not begin with xbpipe_begin\.json/);
    }
  });

  it('refuses flags on a chunk, which no tool sets', async () => {
    const flagged = join(text('XBSTCK01'), Uint8Array.of(1), endChunk('t').subarray(9));
    await refuses(stockArchive(flagged), /t: chunk at byte 0 has flags 1, which nobody sets/);
  });

  it('passes over chunks that may be ignored', () => {
    const body = chunk('Z', 'extra', u64(0), u64(0), u32(0)).subarray(9);
    const ignorable = join(text('XBSTCK01'), Uint8Array.of(1), body);
    assert.equal(judge(stockArchive(ignorable)).members, 2);
  });

  it('accepts any archive of closed members when asked to', async () => {
    const archive = join(...stockMember('a', 'x'));
    assert.equal(judge(archive, { anyArchive: true }).members, 1);
    const open = payloadChunk('a', 0, text('x'));
    const error = await failureOf(() => judge(open, { anyArchive: true }));
    assert.match(error.message, /it ends while a is open/);
    assert.match(
      (await failureOf(() => judge(new Uint8Array(0), { anyArchive: true }))).message,
      /empty/,
    );
  });
});

describe('ArchiveChecker on what only XtraBackup and MariaDB write', () => {
  it('follows the file through sparse chunks and seeks', async () => {
    const sparse = sparseChunk('t', 0, [[4, 2], [3, 0]], text('ab')); // prettier-ignore
    const seek = (offset: number): Uint8Array => chunk('S', 't', u64(offset));
    const end = endChunk('t');
    assert.equal(judge(stockArchive(sparse, payloadChunk('t', 9, text('x')), end)).members, 3);
    await refuses(stockArchive(sparse, payloadChunk('t', 6, text('x')), end), /9 was expected/);
    const moved = [payloadChunk('t', 0, text('x')), seek(100), payloadChunk('t', 100, text('y'))];
    assert.equal(judge(stockArchive(...moved, end)).members, 3);
    await refuses(stockArchive(...moved.toSpliced(1, 1), end), /1 was expected/);
  });

  it('takes a file by its new name after a rename, and as gone after a remove', () => {
    const rename = chunk('R', 'a', u32(1), text('b'));
    const member = stockMember('a', 'x');
    assert.equal(judge(stockArchive(...member, rename)).members, 3);
    assert.equal(judge(stockArchive(...member, chunk('D', 'a'))).members, 2);
    assert.equal(judge(stockArchive(...member, rename, ...member)).members, 4, 'a again');
    assert.equal(judge(stockArchive(rename, chunk('D', 'c'))).members, 2, 'what was never sent');
  });

  it('misses a closing file that was removed again', async () => {
    const archive = join(stockArchive(), chunk('D', 'xtrabackup_info'));
    await refuses(archive, /neither xtrabackup_info/);
  });

  it('refuses to rename or remove a member that is open', async () => {
    const open = payloadChunk('a', 0, text('x'));
    const message = /is renamed or removed while it is open/;
    await refuses(stockArchive(open, chunk('D', 'a')), message);
    await refuses(stockArchive(open, chunk('R', 'a', u32(1), text('b'))), message);
    await refuses(stockArchive(open, chunk('R', 'c', u32(1), text('a'))), message);
  });
});
