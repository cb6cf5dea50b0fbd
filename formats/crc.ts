import { createRequire } from 'node:module';
import type * as Native from '@node-rs/crc32';

// Not by import: Node looks through what it imports for names, at 4 MiB of memory in each thread.
const native = createRequire(import.meta.url)('@node-rs/crc32') as typeof Native;

/** CRC-32/ISO-HDLC (zlib): xbstream chunks, Aria pages. `previous` continues a running CRC. */
export const crc32: (bytes: Uint8Array, previous?: number) => number = native.crc32;

/** CRC-32C (Castagnoli): InnoDB pages and redo. `previous` continues a running CRC. */
export const crc32c: (bytes: Uint8Array, previous?: number) => number = native.crc32c;
