import { crc32 as crc32Native, crc32c as crc32cNative } from '@node-rs/crc32';

/** CRC-32/ISO-HDLC (zlib): xbstream chunks, Aria pages. `previous` continues a running CRC. */
export const crc32: (bytes: Uint8Array, previous?: number) => number = crc32Native;

/** CRC-32C (Castagnoli): InnoDB pages and redo. `previous` continues a running CRC. */
export const crc32c: (bytes: Uint8Array, previous?: number) => number = crc32cNative;
