import { crc32c } from '../crc.ts';
import { layout, raw, u16be, u32be, type Layout } from '../layout.ts';
import { blockBytes } from './log-header.ts';
import { blockHeaderBytes, blocksPerEpoch, blockTrailerBytes } from './lsn.ts';

// A block of a MySQL 8.0.30+ redo log. Described in block.md. The functions here run once per
// 512 bytes of redo: they take the place of the block in a larger buffer and allocate nothing
// but the view that the checksum is made over.

const table = {
  number: [u32be, '1 + (LSN / 512) modulo 2^30'],
  dataLength: [u16be, 'used bytes with this header, 512 when full; bit 15: encrypted'],
  firstRecordGroup: [u16be, 'where the first group of records begins in the block, 0 for none'],
  epoch: [u32be, '1 + LSN / 512 / 2^30'],
  data: [raw(496), 'redo records'],
  crc: [u32be, 'CRC-32C of bytes 0 to 507, or 0xdeadbeef'],
} as const;

/** Table of a block: 512 bytes. */
export const blockTable: Layout<typeof table> = layout('redo block', table);

const at = blockTable.offset;
const encryptedBit = 0x8000;
const noChecksum = 0xdead_beef;

/**
 * What a block is, seen from the LSN it is expected at:
 * - `whole`: it, complete;
 * - `partial`: it, the end of the log for now (`blockDataLength` says how far);
 * - `not written yet`: zeros, or an older block: the log ends before it;
 * - `overwritten`: a newer block: the log has gone on and what was here is lost;
 * - `damaged`: none of these; when the server is just writing it, reading it again helps;
 * - `no checksum`: it, but written under `innodb_log_checksums=OFF`: a server that recovers
 *   with checksums on stops in front of it, and starts.
 */
export type BlockState =
  'whole' | 'partial' | 'not written yet' | 'overwritten' | 'damaged' | 'no checksum';

/**
 * Judges the 512 bytes from `start` against `lsn`, the LSN of their first byte. An encrypted
 * block is judged by its header alone: its checksum is encrypted too.
 */
export function judgeBlock(bytes: Uint8Array, start: number, lsn: number): BlockState {
  const number = readU32be(bytes, start + at.number);
  const epoch = readU32be(bytes, start + at.epoch);
  const length = readU16be(bytes, start + at.dataLength);
  if (number === 0 && epoch === 0 && length === 0) return 'not written yet';
  if (number === 0 || number > blocksPerEpoch || epoch === 0) return 'damaged';
  const ahead = (epoch - 1) * blocksPerEpoch + (number - 1) - Math.floor(lsn / blockBytes);
  // What an old block is like does not matter, so its checksum is not made.
  if (ahead < 0) return 'not written yet';
  if ((length & encryptedBit) === 0) {
    const stored = readU32be(bytes, start + at.crc);
    if (stored !== crc32c(bytes.subarray(start, start + at.crc))) {
      if (stored !== noChecksum) return 'damaged';
      if (ahead === 0) return 'no checksum';
    }
  }
  if (ahead > 0) return 'overwritten';
  return stateOfLength(length & ~encryptedBit);
}

/** Used bytes of a block, its header included: 512 when it is full. */
export function blockDataLength(bytes: Uint8Array, start: number): number {
  return readU16be(bytes, start + at.dataLength) & ~encryptedBit;
}

/** Whether a block is encrypted. */
export function isEncryptedBlock(bytes: Uint8Array, start: number): boolean {
  return (readU16be(bytes, start + at.dataLength) & encryptedBit) !== 0;
}

function stateOfLength(dataLength: number): BlockState {
  if (dataLength === blockBytes) return 'whole';
  if (dataLength < blockHeaderBytes || dataLength >= blockBytes - blockTrailerBytes) {
    return 'damaged';
  }
  return 'partial';
}

// Offsets are trusted: the callers hand over whole blocks.
function readU16be(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

function readU32be(bytes: Uint8Array, offset: number): number {
  return readU16be(bytes, offset) * 0x1_0000 + readU16be(bytes, offset + 2);
}
