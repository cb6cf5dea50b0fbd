/** Vectors, builders and listings shared by the tests of the xbstream chunk format. */
import { readdirSync, readFileSync } from 'node:fs';
import { crc32 } from '../../../formats/crc.ts';
import { type ChunkEvent, ChunkDecoder, magic } from '../../../formats/xbstream/index.ts';

const vectorFolder = 'formats/xbstream/vectors';

export const vectorNames: readonly string[] = readdirSync(vectorFolder)
  .filter((name) => name.endsWith('.hex'))
  .map((name) => name.slice(0, -'.hex'.length));

/** The bytes of a commented `xxd -g1` dump. */
export function vector(name: string): Uint8Array {
  const lines = readFileSync(`${vectorFolder}/${name}.hex`, 'utf8').split('\n');
  const hex = lines.filter((line) => !line.startsWith('#')).map((line) => line.slice(10, 57));
  return new Uint8Array(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'));
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** A chunk of any type: prefix, path, and the body as given. */
export function chunk(type: string, path: string | Uint8Array, ...body: Uint8Array[]): Uint8Array {
  const name = typeof path === 'string' ? text(path) : path;
  return join(magic, Uint8Array.of(0), text(type), u32(name.length), name, ...body);
}

export function payloadChunk(path: string, fileOffset: number, data: Uint8Array): Uint8Array {
  return chunk('P', path, u64(data.length), u64(fileOffset), u32(crc32(data)), data);
}

export function sparseChunk(
  path: string,
  fileOffset: number,
  map: readonly (readonly [skip: number, length: number])[],
  data: Uint8Array,
): Uint8Array {
  const mapBytes = join(...map.flat().map(u32));
  const crc = crc32(join(mapBytes, data));
  const body = [u32(map.length), u64(data.length), u64(fileOffset), u32(crc)];
  return chunk('S', path, ...body, mapBytes, data);
}

export function endChunk(path: string): Uint8Array {
  return chunk('E', path);
}

/** The archive with `bytes` written over it at `at`. */
export function patched(archive: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const copy = archive.slice();
  copy.set(bytes, at);
  return copy;
}

/** Feeds `archive` in pieces of the sizes `pieceSize` gives; `end` is not called. */
export function feed(
  decoder: ChunkDecoder,
  archive: Uint8Array,
  pieceSize: () => number,
): ChunkEvent[] {
  const events: ChunkEvent[] = [];
  for (let at = 0; at < archive.length;) {
    const size = Math.max(1, pieceSize());
    const given = new Uint8Array(archive.subarray(at, at + size));
    decoder.push(given);
    at += size;
    for (let event = decoder.next(); event; event = decoder.next()) {
      events.push(event.kind === 'data' ? { ...event, bytes: new Uint8Array(event.bytes) } : event);
    }
    // The memory is ours again.
    given.fill(0xdb);
  }
  decoder.next();
  return events;
}

/** All events of a whole archive, data pieces joined; throws what the decoder throws. */
export function decode(archive: Uint8Array, pieceSize: () => number = () => 2 ** 30): ChunkEvent[] {
  const decoder = new ChunkDecoder();
  const events = feed(decoder, archive, pieceSize);
  decoder.end();
  return joined(events);
}

/** The same events with each run of data pieces as one. */
export function joined(events: readonly ChunkEvent[]): ChunkEvent[] {
  const out: ChunkEvent[] = [];
  let pieces: Uint8Array[] = [];
  for (const event of events) {
    if (event.kind === 'data') {
      pieces.push(event.bytes);
      continue;
    }
    if (pieces.length > 0) out.push({ kind: 'data', bytes: join(...pieces) });
    pieces = [];
    out.push(event);
  }
  if (pieces.length > 0) out.push({ kind: 'data', bytes: join(...pieces) });
  return out;
}

/** The events as text, to compare or to read. */
export function listing(events: readonly ChunkEvent[]): string {
  const shown = (_: string, value: unknown): unknown =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  return events.map((event) => JSON.stringify(event, shown)).join('\n');
}

/** Offsets at which a chunk of this sound archive starts, and its length. */
export function chunkBounds(archive: Uint8Array): Set<number> {
  const bounds = new Set([0, archive.length]);
  for (const event of decode(archive)) {
    if ('archiveOffset' in event) bounds.add(event.archiveOffset);
  }
  return bounds;
}
