import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  beginName,
  decodeBegin,
  decodeIndex,
  encodeBegin,
  endName,
  indexName,
} from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { ArchiveWriter, chunkBytesMax } from '../../src/archive/archive-writer.ts';
import { writeMember } from '../../src/archive/write-member.ts';
import { decode, text } from '../formats/xbstream/support.ts';
import {
  MemorySink,
  assemble,
  chunksOf,
  errorOf,
  failureOf,
  judge,
  sampleBegin,
  samples,
  writeArchive,
} from './support.ts';

const begun = async (sink = new MemorySink()): Promise<[ArchiveWriter, MemorySink]> => [
  await ArchiveWriter.begin(sink, sampleBegin),
  sink,
];

const put = (writer: ReturnType<ArchiveWriter['open']>, payload: string): Promise<void> =>
  writer.write(text(payload), crc32(text(payload)));

/** Kind and path of every chunk, `P` and `E` for short. */
const outline = (archive: Uint8Array): string[] =>
  chunksOf(archive).map(({ kind, path }) => `${kind === 'payload' ? 'P' : 'E'} ${path}`);

/** All payload bytes of one member, joined. */
function contentOf(archive: Uint8Array, wanted: string): Uint8Array {
  let inside = false;
  const parts: Uint8Array[] = [];
  for (const event of decode(archive)) {
    if (event.kind === 'payload') inside = event.path === wanted;
    else if (event.kind === 'data' && inside) parts.push(event.bytes);
  }
  return Buffer.concat(parts);
}

describe('ArchiveWriter', () => {
  it('writes the archive of the specification, byte for byte', async () => {
    const archive = await writeArchive(samples);
    assert.deepEqual(Buffer.from(archive), Buffer.from(assemble(samples)));
  });

  it('writes it with the SHA-256 of every chunk as the specification says', async () => {
    const archive = await writeArchive(samples, { digests: true });
    const begin = encodeBegin({ ...sampleBegin, digests: true });
    const wanted = assemble(samples, { begin, digests: true });
    assert.deepEqual(Buffer.from(archive), Buffer.from(wanted));
  });

  it('takes a digest that comes with a chunk for its SHA-256', async () => {
    const sink = new MemorySink();
    const writer = await ArchiveWriter.begin(sink, sampleBegin, { digests: true });
    const member = writer.open({ path: 'a' });
    await member.write(text('x'), crc32(text('x')), 'ab'.repeat(32));
    await member.close(7);
    await writer.finish();
    const [, a] = decodeIndex(contentOf(sink.bytes, indexName)).members;
    assert.deepEqual([a?.digests, a?.plainSize], [['ab'.repeat(32)], 7]);
  });

  it('opens with the begin record and closes with index and end record', async () => {
    const archive = await writeArchive([['a', 'x']]);
    assert.deepEqual(outline(archive), [
      `P ${beginName}`,
      `E ${beginName}`,
      'P a',
      'E a',
      `P ${indexName}`,
      `E ${indexName}`,
      `P ${endName}`,
      `E ${endName}`,
    ]);
    assert.deepEqual(decodeBegin(contentOf(archive, beginName)), {
      ...sampleBegin,
      parentId: undefined,
      sinceLsn: undefined,
      serverId: undefined,
      redoBegan: undefined,
      restoredFrom: undefined,
      restoredAt: undefined,
      pageTracking: undefined,
      compression: undefined,
      encryption: undefined,
      keyCheck: undefined,
    });
  });

  it('writes an archive without members that is whole', async () => {
    const archive = await writeArchive([]);
    assert.equal(judge(archive).members, 1, 'the begin record alone');
  });

  it('takes many members at once and keeps the bytes of each in order', async () => {
    const [writer, sink] = await begun();
    const paths = ['a', 'b', 'c', 'd'];
    await Promise.all(
      paths.map(async (path) => {
        const member = writer.open({ path });
        for (let i = 0; i < 25; i += 1) await put(member, `${path}${i};`);
        await member.close();
      }),
    );
    await writer.finish();
    judge(sink.bytes);
    for (const path of paths) {
      const wanted = Array.from({ length: 25 }, (_, i) => `${path}${i};`).join('');
      assert.equal(Buffer.from(contentOf(sink.bytes, path)).toString(), wanted);
    }
    const order = outline(sink.bytes).slice(2, 10);
    assert.deepEqual(order.slice(0, 4), ['P a', 'P b', 'P c', 'P d'], 'they take turns');
    assert.deepEqual(order.slice(4), ['P a', 'P b', 'P c', 'P d']);
  });

  it('lets a member that is urgent go ahead of the writes that wait', async () => {
    const [writer, sink] = await begun();
    const [data, redo] = [
      writer.open({ path: 'data' }),
      writer.open({ path: 'redo', urgent: true }),
    ];
    await Promise.all([put(data, '1'), put(data, '2'), put(data, '3'), put(redo, 'r')]);
    await redo.close();
    await data.close();
    await writer.finish();
    const first = outline(sink.bytes).slice(2, 6);
    assert.deepEqual(first, ['P data', 'P redo', 'P data', 'P data']);
    judge(sink.bytes);
  });

  it('lists space id, page size, size and chunk places of every member in the index', async () => {
    const [writer, sink] = await begun();
    const member = writer.open({ path: 'db/t.ibd', spaceId: 7, pageSize: 8192 });
    await put(member, 'abc');
    await put(member, 'de');
    await member.close();
    await writeMember(writer, 'empty', new Uint8Array(0));
    await writer.finish();
    const { members, backupId } = decodeIndex(contentOf(sink.bytes, indexName));
    const places = chunksOf(sink.bytes).filter(({ path }) => path === 'db/t.ibd');
    const first = [places[0]?.from, 3, 0, crc32(text('abc'))];
    const second = [places[1]?.from, 2, 3, crc32(text('de'))];
    const chunks = [...first, ...second];
    const plain = { plainSize: undefined, digests: undefined };
    assert.equal(backupId, sampleBegin.backupId);
    assert.deepEqual(members.slice(1), [
      { path: 'db/t.ibd', spaceId: 7, pageSize: 8192, size: 5, chunks, ...plain },
      { path: 'empty', spaceId: undefined, pageSize: undefined, size: 0, chunks: [], ...plain },
    ]);
  });

  it('counts the payload bytes that were written', async () => {
    const [writer] = await begun();
    const before = writer.bytesWritten;
    await writeMember(writer, 'a', text('12345'));
    assert.equal(writer.bytesWritten - before, 5);
  });

  it('cuts an index of many members into chunks of its own', async () => {
    const members = Array.from({ length: 6000 }, (_, i) => [`db/${'p'.repeat(200)}${i}`] as const);
    const archive = await writeArchive(members);
    const chunks = chunksOf(archive).filter(
      ({ kind, path }) => kind === 'payload' && path === indexName,
    );
    assert.equal(chunks.length, 2);
    assert.equal(judge(archive).members, 6001);
  });
});

describe('ArchiveWriter, when something is wrong', () => {
  it('refuses a path that was opened before, even when it is closed', async () => {
    const [writer] = await begun();
    await writeMember(writer, 'a', text('1'));
    const error = await failureOf(() => writer.open({ path: 'a' }));
    assert.match(error.message, /^a would be in the archive twice$/);
  });

  it('refuses members that are called like its own records', async () => {
    const [writer] = await begun();
    const encoded = ['.zst', '.lz4', '.xbcrypt', '.zst.xbcrypt'].map((kind) => indexName + kind);
    for (const path of [beginName, indexName, endName, ...encoded]) {
      assert.match((await failureOf(() => writer.open({ path }))).message, /twice/);
    }
  });

  it('refuses a chunk that stock extractors would not hold in memory', async () => {
    const [writer] = await begun();
    const member = writer.open({ path: 'a' });
    const big = new Uint8Array(chunkBytesMax + 1);
    assert.match((await failureOf(() => member.write(big, 0))).message, /a chunk of 10485761/);
  });

  it('does not finish while a member is open', async () => {
    const [writer, sink] = await begun();
    await put(writer.open({ path: 'a' }), '1');
    assert.match((await failureOf(() => writer.finish())).message, /1 members are still open/);
    assert.deepEqual(sink.events, []);
    assert.equal(outline(sink.bytes).at(-1), 'P a');
  });

  it('is broken for good by a path that the format cannot hold', async () => {
    const [writer] = await begun();
    await errorOf(() => put(writer.open({ path: 'a'.repeat(512) }), '1'));
    assert.match((await errorOf(() => put(writer.open({ path: 'b' }), '1'))).message, /512 bytes/);
  });

  it('is broken for good by a sink that fails, and writes no end record', async () => {
    const [writer, sink] = await begun(new MemorySink(1000));
    const a = writer.open({ path: 'a' });
    const b = writer.open({ path: 'b' });
    await put(b, 'fits');
    const before = sink.bytes.length;
    assert.match((await failureOf(() => put(a, 'x'.repeat(1000)))).message, /the sink is full/);
    // Each of these would fit again; a chunk behind the gap must not follow.
    for (const next of [() => put(a, 'y'), () => b.close(), () => put(b, 'z')]) {
      assert.match((await failureOf(next)).message, /the sink is full/);
    }
    assert.match((await failureOf(() => writer.finish())).message, /still open|the sink is full/);
    assert.equal(sink.bytes.length, before);
    assert.deepEqual(sink.events, []);
  });

  it('fails to finish when index or end record cannot be written, and does not close the sink', async () => {
    const whole = (await writeArchive([['a', '1']])).length;
    for (const room of [whole - 1, whole - 1000, whole - 1200]) {
      const [writer, sink] = await begun(new MemorySink(room));
      await writeMember(writer, 'a', text('1'));
      assert.match((await failureOf(() => writer.finish())).message, /the sink is full/);
      assert.deepEqual(sink.events, []);
    }
  });

  it('fails what waits when it is given up, and aborts the sink', async () => {
    const [writer, sink] = await begun();
    const a = writer.open({ path: 'a' });
    const waiting = Promise.allSettled([put(a, '1'), put(a, '2'), put(a, '3')]);
    await writer.abort();
    const ends = await waiting;
    assert.equal(ends.at(-1)?.status, 'rejected');
    await failureOf(() => put(a, '4'));
    await failureOf(() => writer.finish());
    assert.deepEqual(sink.events, ['abort']);
    assert.ok(!outline(sink.bytes).includes(`P ${endName}`));
  });
});
