/** Encrypted archives for tests: as the specification says, forged, and by the code under test. */
import {
  type BeginRecord,
  type EndRecord,
  encodeBegin,
  keyCheckOf,
  sealOf,
} from '../../formats/archive-record/index.ts';
import { crc32 } from '../../formats/crc.ts';
import { encodeChunks } from '../../formats/xbcrypt/index.ts';
import { ArchiveWriter } from '../../src/archive/archive-writer.ts';
import { EncodedMembers } from '../../src/archive/encoded-members.ts';
import type { Encoding } from '../../src/transform/encoding.ts';
import { join, text } from '../formats/xbstream/support.ts';
import { type Forgery, MemorySink, type Sample, assemble, sampleBegin } from './support.ts';

export const key = text('the right key, thirty-two bytes.');
export const otherKey = text('another key, thirty-two bytes...');

export const encryptedBegin: BeginRecord = {
  ...sampleBegin,
  encryption: 'AES256',
  keyCheck: keyCheckOf(key, sampleBegin.backupId),
  digests: true,
};

/** The bytes in xbcrypt chunks. */
export const locked = (bytes: Uint8Array, by = key): Uint8Array => join(...encodeChunks(bytes, by));

/** What is forged in an archive: anything, and by whom. */
export interface EncryptedForgery extends Omit<Forgery, 'begin' | 'end'> {
  begin?: BeginRecord;
  /** Changes the end record before it is sealed. */
  end?: (record: EndRecord) => EndRecord;
  /** What the index is encrypted and the end record sealed with. */
  by?: Uint8Array;
  /** Changes the end record after it was sealed. */
  sealed?: (record: EndRecord) => EndRecord;
}

/** An encrypted archive as the specification says, without the code under test but for the seal. */
export function assembleEncrypted(
  members: readonly Sample[],
  {
    begin = encryptedBegin,
    by = key,
    end = same,
    sealed = same,
    ...forgery
  }: EncryptedForgery = {},
): Uint8Array {
  const beginBytes = encodeBegin(begin);
  return assemble(members, {
    digests: true,
    encodeIndex: { suffix: '.xbcrypt', encode: (index) => locked(index, by) },
    ...forgery,
    begin: beginBytes,
    end: (record) => {
      const changed = end(record);
      return sealed({ ...changed, hmac: sealOf(by, changed, beginBytes) });
    },
  });
}

const same = (record: EndRecord): EndRecord => record;

/** Members with their plain content through the code under test. */
export async function writeEncoded(
  members: readonly (readonly [path: string, ...pieces: Uint8Array[]])[],
  encoding: Encoding,
): Promise<Uint8Array> {
  const { compression, encryption, digests } = encoding;
  const sink = new MemorySink();
  const { backupId } = sampleBegin;
  const begin: BeginRecord = {
    ...sampleBegin,
    compression: compression?.algorithm,
    encryption: encryption?.algorithm,
    keyCheck: encryption && keyCheckOf(encryption.key, backupId),
    digests,
  };
  const writer = await ArchiveWriter.begin(sink, begin, encoding);
  const store = new EncodedMembers(writer, encoding);
  for (const [path, ...pieces] of members) {
    const member = store.open({ path });
    for (const piece of pieces) await member.write(piece, crc32(piece));
    await member.close();
  }
  await writer.finish();
  return sink.bytes;
}

/**
 * `start` with four more bytes, so that all has this CRC-32: the checksum is linear, so the right
 * four are a sum (over GF(2)) of what each of their 32 bits does to it.
 */
export function withCrc(start: Uint8Array, wanted: number): Uint8Array {
  const tail = (bits: number): Uint8Array => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, bits >>> 0);
    return join(start, bytes);
  };
  const none = crc32(tail(0));
  // Each row: what it changes in the checksum, and by which bits; in echelon form.
  const rows: { effect: number; bits: number }[] = [];
  const reduced = (effect: number, bits: number): { effect: number; bits: number } => {
    for (const row of rows) {
      if ((effect ^ row.effect) >>> 0 < effect >>> 0) {
        effect = (effect ^ row.effect) >>> 0;
        bits = (bits ^ row.bits) >>> 0;
      }
    }
    return { effect, bits };
  };
  for (let i = 0; i < 32; i += 1) {
    const bit = (1 << i) >>> 0;
    const row = reduced((crc32(tail(bit)) ^ none) >>> 0, bit);
    rows.push(row);
    rows.sort((a, b) => b.effect - a.effect);
  }
  return tail(reduced((wanted ^ none) >>> 0, 0).bits);
}
