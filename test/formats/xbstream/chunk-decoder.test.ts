import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { crc32 } from '../../../formats/crc.ts';
import { ChunkDecoder, type ChunkEvent } from '../../../formats/xbstream/index.ts';
import {
  chunk,
  decode,
  endChunk,
  feed,
  join,
  listing,
  patched,
  payloadChunk,
  sparseChunk,
  text,
  u32,
  u64,
  vector,
  vectorNames,
} from './support.ts';

const helloHead = {
  path: 'h.txt',
  flags: 0,
  fileOffset: 0,
  length: 5,
  crc: 0x3610a686,
  archiveOffset: 0,
  headerLength: 39,
};

/** The events without the fields every chunk has. */
function bare(events: readonly ChunkEvent[]): object[] {
  return events.map((event) => {
    if (!('archiveOffset' in event)) return event;
    const { flags: _, archiveOffset: _at, headerLength: _length, ...rest } = event;
    return rest;
  });
}

describe('ChunkDecoder', () => {
  it('reads what mbstream wrote', () => {
    assert.deepEqual(decode(vector('hello')), [
      { kind: 'payload', ...helloHead },
      { kind: 'data', bytes: text('hello') },
      { kind: 'checked' },
      { kind: 'end', path: 'h.txt', flags: 0, archiveOffset: 44, headerLength: 19 },
    ]);
    assert.deepEqual(decode(vector('empty')), [
      { kind: 'end', path: 'empty', flags: 0, archiveOffset: 0, headerLength: 19 },
    ]);
    const paths = decode(vector('three-files')).flatMap((e) => (e.kind === 'end' ? [e.path] : []));
    assert.deepEqual(paths, ['db/t.ibd', 'empty', 'db/t ä #.ibd']);
    const [longest] = decode(vector('longest-path'));
    assert.equal(longest?.kind === 'payload' && longest.path.length, 511);
  });

  it('reads a file of two chunks', () => {
    const archive = gunzipSync(readFileSync('formats/xbstream/vectors/two-chunks.xbstream.gz'));
    const decoder = new ChunkDecoder();
    const events = feed(decoder, archive, () => 65_536);
    decoder.end();
    const heads = events.flatMap((e) => (e.kind === 'payload' ? [[e.fileOffset, e.length]] : []));
    assert.deepEqual(heads, [
      [0, 10_485_760],
      [10_485_760, 1],
    ]);
    const bytes = events.reduce((sum, e) => sum + (e.kind === 'data' ? e.bytes.length : 0), 0);
    assert.equal(bytes, 10_485_761);
  });

  it('reads the sparse chunk of XtraBackup', () => {
    assert.deepEqual(decode(vector('sparse')).slice(0, 3), [
      {
        kind: 'sparse',
        path: 's.ibd',
        flags: 0,
        fileOffset: 0,
        length: 5,
        crc: 0xa1149d44,
        archiveOffset: 0,
        headerLength: 67,
        map: [
          { skip: 0, length: 3 },
          { skip: 13, length: 2 },
          { skip: 6, length: 0 },
        ],
      },
      { kind: 'data', bytes: text('abcde') },
      { kind: 'checked' },
    ]);
  });

  it('reads the seek, rename and remove chunks of MariaDB', () => {
    assert.deepEqual(decode(vector('seek'))[3], {
      kind: 'seek',
      path: 'a.ibd',
      flags: 0,
      archiveOffset: 43,
      headerLength: 27,
      fileOffset: 4096,
    });
    assert.deepEqual(decode(vector('rename')).at(-1), {
      kind: 'rename',
      path: 'db/old.ibd',
      flags: 0,
      archiveOffset: 73,
      headerLength: 38,
      newPath: 'db/new.ibd',
    });
    assert.deepEqual(decode(vector('remove')).at(-1), {
      kind: 'remove',
      path: 'gone',
      flags: 0,
      archiveOffset: 122,
      headerLength: 18,
    });
  });

  it('tells seek from sparse whatever the file offset says', () => {
    const looksLikeMagic = Buffer.from('CK01').readUInt32LE();
    const archive = join(
      chunk('S', 'f', u64(looksLikeMagic)),
      sparseChunk('f', looksLikeMagic, [[1, 1]], text('x')),
      chunk('S', 'f', u64(0)),
      chunk('S', 'f', u64(7)),
      endChunk('f'),
    );
    const kinds = decode(archive).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['seek', 'sparse', 'data', 'checked', 'seek', 'seek', 'end']);
  });

  it('swallows an ignorable chunk of unknown type once its CRC is right', () => {
    const [ignored, ...rest] = decode(vector('ignorable'));
    assert.deepEqual(ignored, {
      kind: 'ignored',
      type: 0x51,
      path: 'x',
      flags: 1,
      fileOffset: 0,
      length: 3,
      crc: crc32(text('ext')),
      archiveOffset: 0,
      headerLength: 35,
    });
    assert.deepEqual(bare(rest), bare(decode(vector('hello'))));
    const damaged = patched(vector('ignorable'), 36, text('?'));
    assert.throws(() => decode(damaged), { kind: 'invalid', field: 'xbstream chunk 1 "x" > crc' });
  });

  it('takes reserved flags, and the ignorable flag on a known type', () => {
    assert.deepEqual(bare(decode(vector('reserved-flags'))).length, 4);
    const flagged = decode(patched(vector('hello'), 8, Uint8Array.of(0xff)));
    assert.deepEqual(bare(flagged), bare(decode(vector('hello'))));
  });

  it('has no data event for an empty payload, but checks its CRC', () => {
    const kinds = decode(payloadChunk('f', 9, text(''))).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['payload', 'checked']);
    const wrong = chunk('P', 'f', u64(0), u64(0), u32(1));
    assert.throws(() => decode(wrong), /crc at byte 31: stored 0x00000001, computed 0x00000000/);
  });

  it('keeps a byte order mark, which is part of a name', () => {
    const [end] = decode(endChunk('\ufefff'));
    assert.equal(end?.kind === 'end' && end.path, '\ufefff');
  });

  it('takes an empty archive for an archive of nothing', () => {
    assert.deepEqual(decode(text('')), []);
  });

  it('gives the same events however the archive is cut into pieces', () => {
    for (const name of vectorNames) {
      const whole = listing(decode(vector(name)));
      for (const size of [1, 2, 3, 7, 4095]) {
        assert.equal(listing(decode(vector(name), () => size)), whole, `${name} by ${size}`);
      }
    }
  });

  it('gives the same map and data for a large sparse chunk in pieces', () => {
    const map = Array.from({ length: 3000 }, (_, index) => [index, 3] as const);
    const archive = sparseChunk('s', 0, map, new Uint8Array(9000).fill(7));
    const whole = listing(decode(archive));
    for (const size of [1, 5, 4095]) assert.equal(listing(decode(archive, () => size)), whole);
  });

  it('hands out views of the bytes that were pushed', () => {
    const archive = vector('hello');
    const decoder = new ChunkDecoder();
    const lengths: number[] = [];
    for (const piece of [archive.subarray(0, 41), archive.subarray(41)]) {
      decoder.push(piece);
      for (let event = decoder.next(); event; event = decoder.next()) {
        if (event.kind !== 'data') continue;
        lengths.push(event.bytes.length);
        assert.equal(event.bytes.buffer, archive.buffer);
      }
    }
    assert.deepEqual(lengths, [2, 3]);
  });

  it('hands out data before the rest of the chunk is there', () => {
    const decoder = new ChunkDecoder();
    const kinds = feed(decoder, vector('hello').subarray(0, 41), () => 41).map((e) => e.kind);
    assert.deepEqual(kinds, ['payload', 'data']);
  });

  it('refuses calls in the wrong order as mistakes of the caller', () => {
    const decoder = new ChunkDecoder();
    decoder.push(vector('empty'));
    assert.throws(() => {
      decoder.end();
    }, /^Error: end before next returned undefined/);
    while (decoder.next());
    decoder.end();
    assert.throws(() => {
      decoder.push(vector('empty'));
    }, /^Error: push after the end/);
  });
});
