import assert from 'node:assert/strict';
import { crc32 } from '../../formats/crc.ts';
import { encodePayloadHeader } from '../../formats/xbstream/index.ts';
import { ArchiveWriter, chunkBytesMax } from '../../src/archive/archive-writer.ts';
import { archiveNameOf } from '../../formats/archive-record/index.ts';
import { readArchive } from '../../src/restore/read-archive.ts';
import { ObjectSink } from '../../src/sink/object-sink.ts';
import { ArchiveObjects } from '../../src/source/archive-objects.ts';
import { sampleBegin } from '../archive/support.ts';
import { randomBytes } from 'node:crypto';
import { LimitedStore, type Model } from './limited-store.ts';

/**
 * Writes an archive of so many chunks of 10 MiB through the sink for buckets into a store with
 * the limits of S3, reads it back, and prints what came of it: run as a process of its own, whose
 * peak memory is its own.
 */
const chunks = Number(process.argv[2]);
const partBytes = 5 * 1024 * 1024;
const partsMax = 10_000;
const path = 'd/t.ibd';
const payload = randomBytes(chunkBytesMax);
const crc = crc32(payload);

const chunkBytes = encodePayloadHeader(path, 0, payload.length, crc).length + payload.length;

/** The archive behind its begin record: one chunk after the other. */
function modelFrom(start: number): Model {
  return (offset, into) => {
    for (let filled = 0; filled < into.length;) {
      const at = offset + filled - start;
      const ordinal = Math.floor(at / chunkBytes);
      if (at < 0 || ordinal >= chunks) {
        into.fill(0, filled);
        return;
      }
      const within = at - ordinal * chunkBytes;
      const header = encodePayloadHeader(path, ordinal * payload.length, payload.length, crc);
      const inPayload = Math.max(0, within - header.length);
      const source = within < header.length ? header.subarray(within) : payload.subarray(inPayload);
      const piece = source.subarray(0, into.length - filled);
      into.set(piece, filled);
      filled += piece.length;
    }
  };
}

async function written(store: LimitedStore): Promise<{ key: string; size: number }[]> {
  const warn = (message: string): void => {
    throw new Error(message);
  };
  const sink = new ObjectSink(store, archiveNameOf, { partBytes, partsMax, parallel: 3, warn });
  const writer = await ArchiveWriter.begin(sink, sampleBegin);
  const member = writer.open({ path });
  for (let i = 0; i < chunks; i++) await member.write(payload, crc);
  await member.close();
  await writer.finish();
  return await sink.objects();
}

/** Where the first chunk of the member lies: behind the begin record. */
async function beginBytes(): Promise<number> {
  let bytes = 0;
  const write = (buffers: Uint8Array[]): Promise<void> => {
    for (const buffer of buffers) bytes += buffer.length;
    return Promise.resolve();
  };
  const done = (): Promise<void> => Promise.resolve();
  await ArchiveWriter.begin({ name: 'nowhere', write, close: done, abort: done }, sampleBegin);
  return bytes;
}

async function main(): Promise<void> {
  const store = new LimitedStore(modelFrom(await beginBytes()), partBytes, partsMax);
  const objects = await written(store);
  const archive = await ArchiveObjects.open(store, objects);
  let restored = 0;
  const done = (): Promise<void> => Promise.resolve();
  const write = (member: string, position: number, bytes: Uint8Array): Promise<void> => {
    if (member === path) {
      assert.equal(position, restored);
      const within = position % payload.length;
      const expected = payload.subarray(within, within + bytes.length);
      assert.equal(Buffer.compare(bytes, expected), 0, `other bytes at ${position}`);
      restored += bytes.length;
    }
    return done();
  };
  const output = { write, close: done, rename: done, remove: done, settle: done, abandon: done };
  await readArchive(archive.source(), output, {});
  const parts = Math.ceil(archive.size / partBytes);
  const peakKib = process.resourceUsage().maxRSS;
  const keys = objects.map(({ key }) => key);
  process.stdout.write(JSON.stringify({ keys, parts, restored, peakKib }));
}

await main();
