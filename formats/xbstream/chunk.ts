/**
 * The chunk of an xbstream archive: the fixed parts of every type, and the encoder of
 * the two types we write (payload and end). See xbstream.md beside this file.
 *
 * An archive is chunks back to back: no header, no trailer, no padding.
 */
import { FormatError } from '../format-error.ts';
import { layout, raw, u32le, u64le, u8 } from '../layout.ts';
import { encodePath } from './path.ts';

/** `XBSTCK01`, the first eight bytes of every chunk. */
export const magic = Uint8Array.of(0x58, 0x42, 0x53, 0x54, 0x43, 0x4b, 0x30, 0x31);

/** Flag bit: a reader that does not know the type may skip the chunk. No writer sets it. */
export const ignorableFlag = 0x01;

/**
 * The most map entries of one sparse chunk. A map has about one entry per page-compressed
 * page, so this covers 4 GiB of 16 KiB pages in one chunk; the usual chunk has 640.
 */
export const mapEntriesMax = 262_144;

/** The type byte of a chunk. `sparse` and `seek` share a letter: see xbstream.md. */
export const chunkTypes = {
  payload: 0x50,
  sparseOrSeek: 0x53,
  end: 0x45,
  rename: 0x52,
  remove: 0x44,
} as const;

/** What every chunk starts with; `pathLength` bytes of path follow. */
export const chunkPrefix = layout('xbstream chunk', {
  magic: [raw(8), 'ASCII `XBSTCK01`'],
  flags: [u8, 'bit 0: ignorable; the others are reserved'],
  type: [u8, 'ASCII letter of the chunk type'],
  pathLength: [u32le, 'length of the path in bytes, 1 to 511'],
});

/** What follows the path of a payload chunk; `payloadLength` bytes of payload follow. */
export const payloadBody = layout('xbstream payload body', {
  payloadLength: [u64le, 'length of the payload in bytes'],
  fileOffset: [u64le, 'offset of the payload in its file'],
  crc: [u32le, 'CRC-32 of the payload'],
});

/** What follows the path of a sparse chunk (XtraBackup); the map and the payload follow. */
export const sparseBody = layout('xbstream sparse body', {
  mapEntries: [u32le, 'number of map entries'],
  payloadLength: [u64le, 'length of the payload in bytes: the sum of the `length` of all entries'],
  fileOffset: [u64le, 'offset in the file where the first entry starts, before its skip'],
  crc: [u32le, 'CRC-32 of the map as it stands, then of the payload'],
});

/** One entry of the map of a sparse chunk. */
export const sparseMapEntry = layout('xbstream sparse map entry', {
  skip: [u32le, 'bytes of hole before the run'],
  length: [u32le, 'bytes of the run, taken from the payload'],
});

/** What follows the path of a seek chunk (MariaDB). */
export const seekBody = layout('xbstream seek body', {
  fileOffset: [u64le, 'offset in the file at which the next payload chunk continues'],
});

/** What follows the path of a rename chunk (MariaDB); `newPathLength` bytes of new path follow. */
export const renameBody = layout('xbstream rename body', {
  newPathLength: [u32le, 'length of the new path in bytes, 1 to 511'],
});

/**
 * Everything of a payload chunk before its payload: 34 bytes and the path. `crc` is the
 * CRC-32 of the payload. FormatError `invalid` when the path is empty, holds a NUL or is
 * over 511 bytes of UTF-8, or when a number is not one the field can hold.
 */
export function encodePayloadHeader(
  path: string,
  fileOffset: number,
  payloadLength: number,
  crc: number,
): Uint8Array {
  const label = `xbstream chunk ${JSON.stringify(path)}`;
  if (!Number.isSafeInteger(payloadLength) || payloadLength < 0) {
    throw refused(`${label} > payload length`, payloadLength);
  }
  const end = fileOffset + payloadLength;
  if (!Number.isSafeInteger(fileOffset) || fileOffset < 0 || !Number.isSafeInteger(end)) {
    throw refused(`${label} > file offset`, fileOffset);
  }
  if (!Number.isInteger(crc) || crc < 0 || crc > 0xffff_ffff) {
    throw refused(`${label} > crc`, crc);
  }
  return encodeChunk(
    chunkTypes.payload,
    path,
    payloadBody.encode({
      payloadLength: BigInt(payloadLength),
      fileOffset: BigInt(fileOffset),
      crc,
    }),
  );
}

/** The end chunk of a file: 14 bytes and the path. Refuses the same paths as `encodePayloadHeader`. */
export function encodeEnd(path: string): Uint8Array {
  return encodeChunk(chunkTypes.end, path, new Uint8Array(0));
}

function encodeChunk(type: number, path: string, body: Uint8Array): Uint8Array {
  const pathBytes = encodePath(path, 'xbstream chunk > path', chunkPrefix.size);
  const chunk = new Uint8Array(chunkPrefix.size + pathBytes.length + body.length);
  chunk.set(chunkPrefix.encode({ magic, flags: 0, type, pathLength: pathBytes.length }));
  chunk.set(pathBytes, chunkPrefix.size);
  chunk.set(body, chunkPrefix.size + pathBytes.length);
  return chunk;
}

function refused(field: string, value: number): FormatError {
  return new FormatError('invalid', field, 0, `${value} does not fit the field`);
}
