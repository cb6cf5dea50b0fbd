import { FormatError } from '../format-error.ts';
import { layout, u32le, u8, type Layout } from '../layout.ts';
import { bodyBytesMax, bodyBytesMin } from './limits.ts';

// The header of a QuickLZ packet, see qpress.md. Bit 1 of the flags chooses between two widths.

const shortTable = {
  flags: [u8, 'see the table of flags'],
  packetSize: [u8, 'bytes of the packet, this header included'],
  size: [u8, 'bytes that it unpacks to'],
} as const;

const longTable = {
  flags: [u8, 'see the table of flags'],
  packetSize: [u32le, 'bytes of the packet, this header included'],
  size: [u32le, 'bytes that it unpacks to'],
} as const;

/** Written for less than 216 bytes. */
export const shortPacketHeader: Layout<typeof shortTable> = layout('QuickLZ packet', shortTable);

export const longPacketHeader: Layout<typeof longTable> = layout('QuickLZ packet', longTable);

/** The bits of the flags, with their place in the byte. */
export const packetFlags = {
  compressed: { mask: 0x01, description: 'compressed; 0: stored as it is' },
  long: { mask: 0x02, description: 'the header has 9 bytes; 0: 3 bytes' },
  level: { mask: 0x0c, description: 'compression level, 1 to 3' },
  streaming: { mask: 0x30, description: 'size of the history shared by packets; 0: none' },
  always: { mask: 0xc0, description: 'always 01' },
} as const;

export interface PacketHeader {
  flags: number;
  packetSize: number;
  size: number;
  /** Bytes of this header, 3 or 9. */
  headerSize: number;
  compressed: boolean;
}

/** Bytes of the header that begins with these flags. */
export function packetHeaderSize(flags: number): number {
  return (flags & packetFlags.long.mask) === 0 ? shortPacketHeader.size : longPacketHeader.size;
}

/**
 * Reads the header and refuses what the reader cannot unpack: other levels than 1, a history
 * shared by packets, sizes that do not go together, more than `sizeMax` bytes unpacked.
 * `offset` is where `bytes` begin in the input.
 * @throws FormatError truncated or invalid
 */
export function readPacketHeader(bytes: Uint8Array, sizeMax: number, offset: number): PacketHeader {
  const flags = bytes[0] ?? 0;
  const headerSize = packetHeaderSize(flags);
  if (bytes.length < headerSize) {
    const message = `a header of ${headerSize} bytes is cut`;
    throw new FormatError('truncated', 'QuickLZ packet > header', offset + bytes.length, message);
  }
  const table = headerSize === shortPacketHeader.size ? shortPacketHeader : longPacketHeader;
  const { packetSize, size } = table.decode(bytes);
  const compressed = (flags & packetFlags.compressed.mask) !== 0;
  const header = { flags, packetSize, size, headerSize, compressed };
  const broken = brokenFlags(flags) ?? brokenSizes(header, sizeMax);
  if (broken === undefined) return header;
  const at = offset + table.offset[broken.field];
  throw new FormatError('invalid', `QuickLZ packet > ${broken.field}`, at, broken.message);
}

interface BrokenRule {
  field: 'flags' | 'packetSize' | 'size';
  message: string;
}

function brokenFlags(flags: number): BrokenRule | undefined {
  const broken = (message: string): BrokenRule => ({ field: 'flags', message });
  const shown = `0x${flags.toString(16).padStart(2, '0')}`;
  if ((flags & packetFlags.always.mask) !== 0x40) return broken(`${shown} is no packet`);
  const level = (flags & packetFlags.level.mask) >> 2;
  if (level === 0) return broken(`${shown} names no level`);
  if (level !== 1) return broken(`level ${level} is not supported, backup tools write level 1`);
  if ((flags & packetFlags.streaming.mask) !== 0) {
    return broken(`${shown}: packets that share a history are not supported`);
  }
  return undefined;
}

function brokenSizes(header: PacketHeader, sizeMax: number): BrokenRule | undefined {
  const { packetSize, size, headerSize } = header;
  if (size > sizeMax) {
    return { field: 'size', message: `${size} bytes are over the limit ${sizeMax}` };
  }
  const bodySize = packetSize - headerSize;
  const least = header.compressed ? bodyBytesMin(size) : size;
  const most = header.compressed ? bodyBytesMax(size) : size;
  if (bodySize < least || bodySize > most) {
    const message = `${packetSize} bytes cannot hold ${size}`;
    return { field: 'packetSize', message };
  }
  return undefined;
}
