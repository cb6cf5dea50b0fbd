import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeIndex, indexName } from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { EncodedMembers } from '../../src/archive/encoded-members.ts';
import type { MemberInfo, MemberWriter, Members } from '../../src/archive/member-store.ts';
import { type Encoding, plainEncoding } from '../../src/transform/encoding.ts';
import { decodeWhole } from '../../src/transform/decode-whole.ts';
import { text } from '../formats/xbstream/support.ts';
import { compressions, encryptions, keys, mixed, noise } from '../transform/support.ts';
import { writeEncoded } from './encrypted-support.ts';
import { chunksOf, judge } from './support.ts';

/** Keeps members; a write takes a turn of the event loop before it takes its bytes. */
class Kept implements Members {
  readonly infos: MemberInfo[] = [];
  readonly members = new Map<string, Buffer>();
  readonly plainSizes = new Map<string, number | undefined>();

  open(info: MemberInfo): MemberWriter {
    const { path } = info;
    this.infos.push(info);
    this.members.set(path, Buffer.alloc(0));
    let last = Promise.resolve();
    const write = async (payload: Uint8Array, crc: number): Promise<void> => {
      await new Promise(setImmediate);
      assert.equal(crc32(payload), crc);
      this.members.set(path, Buffer.concat([this.members.get(path) ?? Buffer.alloc(0), payload]));
    };
    return {
      write: (payload, crc) => {
        last = last.then(() => write(payload, crc));
        return last;
      },
      close: async (plainSize) => {
        await last;
        this.plainSizes.set(path, plainSize);
      },
    };
  }
}

const encodings: Encoding[] = compressions.flatMap((compression) =>
  encryptions.map((encryption) => ({ compression, encryption, digests: false })),
);
const encoding: Encoding = {
  compression: compressions[1],
  encryption: encryptions[3],
  digests: true,
};
const bytesMax = 2 ** 24;

const put = (member: MemberWriter, bytes: Uint8Array): Promise<void> =>
  member.write(bytes, crc32(bytes));

async function open(info: MemberInfo, how = encoding): Promise<[MemberWriter, Kept]> {
  const store = new Kept();
  return [await Promise.resolve(new EncodedMembers(store, how).open(info)), store];
}

describe('members on their way into an archive', () => {
  it('have the suffixes of what is done to them, and the size of what they were', async () => {
    for (const how of encodings.slice(1)) {
      const [member, store] = await open({ path: 'db/t.frm', spaceId: 3, urgent: true }, how);
      await put(member, text('one,'));
      await put(member, text('two'));
      await member.close();
      const [path = ''] = store.members.keys();
      const given = how.encryption?.key;
      const bytes = store.members.get(path) ?? Buffer.alloc(0);
      assert.deepEqual(decodeWhole(path, bytes, { key: given, bytesMax }), Buffer.from('one,two'));
      assert.deepEqual(store.infos, [{ path, spaceId: 3, urgent: true }]);
      assert.equal(store.plainSizes.get(path), 7);
    }
  });

  it('go as they are where nothing is to be done', async () => {
    const [member, store] = await open({ path: 'a' }, plainEncoding);
    await put(member, text('plain'));
    await member.close();
    assert.deepEqual([...store.members], [['a', Buffer.from('plain')]]);
    assert.equal(store.plainSizes.get('a'), undefined);
  });

  it('stay plain where tools without a key read them', async () => {
    const plain = [
      'xtrabackup_checkpoints',
      'mariadb_backup_checkpoints',
      'sub/xtrabackup_checkpoints',
      'db/t.ibd.meta',
    ];
    for (const path of plain) {
      const [member, store] = await open({ path });
      await put(member, text('plain'));
      await member.close();
      assert.deepEqual([...store.members], [[path, Buffer.from('plain')]]);
    }
    const encoded = [
      'xtrabackup_info',
      'xtrabackup_checkpoints.old',
      'my_xtrabackup_checkpoints',
      't.meta.ibd',
      'metadata',
    ];
    for (const path of encoded) {
      const [, store] = await open({ path });
      assert.deepEqual([...store.members.keys()], [`${path}.zst.xbcrypt`]);
    }
  });

  it('are encrypted but not compressed again when they are packed', async () => {
    const [member, store] = await open({ path: 't.ibd', packed: true });
    await put(member, noise(100));
    await member.close();
    assert.deepEqual([...store.members.keys()], ['t.ibd.xbcrypt']);
    const [, plain] = await open(
      { path: 't.ibd', packed: true },
      { compression: compressions[1], digests: false },
    );
    assert.deepEqual([...plain.members.keys()], ['t.ibd']);
  });

  it('come out right when the next piece comes before the last is written', async () => {
    for (const how of encodings.slice(1)) {
      const [member, store] = await open({ path: 'redo' }, how);
      const pieces = Array.from({ length: 20 }, (_, i) => mixed(1000 + i, i + 1));
      const written = pieces.map((piece) => put(member, piece));
      // What was given may be overwritten once a write is done, not before.
      await Promise.all(written);
      await member.close();
      const [[path, bytes] = ['', Buffer.alloc(0)]] = store.members;
      const given = how.encryption?.key;
      const plain = decodeWhole(path, bytes, { key: given, bytesMax });
      assert.ok(plain && Buffer.concat(pieces).equals(plain), path);
    }
  });

  it('that are empty are a frame of nothing, or nothing where they are encrypted only', async () => {
    for (const how of encodings.slice(1)) {
      const [member, store] = await open({ path: 'empty' }, how);
      await member.close();
      const [[path, bytes] = ['', Buffer.alloc(0)]] = store.members;
      assert.equal(bytes.length > 0, how.compression !== undefined);
      const given = how.encryption?.key;
      assert.equal(decodeWhole(path, bytes, { key: given, bytesMax })?.length, 0);
      assert.equal(store.plainSizes.get(path), 0);
    }
  });
});

describe('an encoded archive', () => {
  it('lists what its members decode to, in an index that is encoded as they are', async () => {
    const encryption = { algorithm: 'AES256', key: keys.AES256, chunkBytes: 1024 };
    for (const compression of compressions) {
      const how = { compression, encryption, digests: true };
      const archive = await writeEncoded([['a', mixed(5000)], ['e'], ['x.meta', text('m')]], how);
      assert.equal(judge(archive, { key: keys.AES256 }).members, 4);
      const chunks = chunksOf(archive).filter(({ path }) => path.startsWith(indexName));
      const [chunk] = chunks;
      assert.ok(chunk);
      const suffix = { zstd: '.zst', lz4: '.lz4' }[compression?.algorithm ?? 'zstd'];
      const wanted = `${indexName}${compression ? suffix : ''}.xbcrypt`;
      assert.equal(chunk.path, wanted);
      const payload = chunk.bytes.subarray(14 + chunk.path.length + 20);
      const index = decodeWhole(chunk.path, payload, { key: keys.AES256, bytesMax });
      const { members } = decodeIndex(index ?? assert.fail());
      assert.deepEqual(
        members.map(({ plainSize }) => plainSize),
        [undefined, 5000, 0, undefined],
      );
      for (const { digests, chunks: places } of members) {
        assert.equal(digests?.length, places.length / 4);
      }
    }
  });
});
