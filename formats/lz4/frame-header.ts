import { layout, u32le, u64le, u8, type Layout } from '../layout.ts';
import { blockCodes, looseBlockBytes } from './limits.ts';
import { xxh32 } from './xxh32.ts';

// Header of an LZ4 frame, see frame.md. Its length depends on the flags.

const head = {
  magic: [u32le, '0x184D2204'],
  flags: [u8, 'see Flags'],
  blockSize: [u8, 'bits 4 to 6: see Block sizes; the other bits 0'],
} as const;

const tail = {
  headerChecksum: [u8, 'second lowest byte of the XXH32 of the bytes from `flags` up to here'],
} as const;

const shortTable = { ...head, ...tail } as const;
const table = { ...head, contentSize: [u64le, 'uncompressed size of the frame'], ...tail } as const;

/** Header without content size. */
export const shortFrameHeader: Layout<typeof shortTable> = layout('lz4 frame', shortTable);

/** Header with content size: what XtraBackup writes. */
export const frameHeader: Layout<typeof table> = layout('lz4 frame', table);

export const frameMagic = 0x184d2204;
/** Of the old format without a header. */
export const legacyMagic = 0x184c2102;
/** The first of sixteen: frames that hold something for somebody else. */
export const skippableMagic = 0x184d2a50;

/** True for the sixteen magics of frames to be skipped. */
export function isSkippable(magic: number): boolean {
  return magic >= skippableMagic && magic < skippableMagic + 16;
}

/** True when bytes, fewer than a magic has, can be the beginning of one. */
export function isMagicStart(bytes: Uint8Array): boolean {
  const magics = [frameMagic, legacyMagic];
  for (let extra = 0; extra < 16; extra += 1) magics.push(skippableMagic + extra);
  return magics.some((magic) => bytes.every((byte, at) => byte === ((magic >>> (8 * at)) & 0xff)));
}

/** One flag: its lowest bit, its width in bits, its meaning. */
type FlagRow = readonly [bit: number, bits: number, description: string];

export const frameFlags = {
  dictionaryId: [0, 1, 'the content needs a dictionary; refused'],
  reserved: [1, 1, '0'],
  contentChecksum: [2, 1, 'the XXH32 of the content is behind the end mark'],
  contentSize: [3, 1, 'the header has the field `contentSize`'],
  blockChecksum: [4, 1, 'the XXH32 of its data is behind each block'],
  independent: [5, 1, 'no block needs the content of those before it'],
  version: [6, 2, '1'],
} as const satisfies Record<string, FlagRow>;

/** The value of a flag. */
export function flagOf(flags: number, name: keyof typeof frameFlags): number {
  const [bit, bits] = frameFlags[name];
  return (flags >>> bit) & ((1 << bits) - 1);
}

/** The flags that XtraBackup writes: version 1, independent blocks, content size and checksum. */
const writtenFlags = 0x6c;

/** A rule of the header that is broken, with the field it is about. */
export interface BrokenFrameRule {
  field: keyof typeof head;
  message: string;
}

/** The first rule that the bytes of fixed place break, all but the magic. */
export function validateFrameFlags(flags: number, blockSize: number): BrokenFrameRule | undefined {
  const broken = (field: keyof typeof head, message: string): BrokenFrameRule => ({
    field,
    message,
  });
  const version = flagOf(flags, 'version');
  if (version !== 1) return broken('flags', `version ${version}, not 1`);
  if (flagOf(flags, 'reserved') !== 0) return broken('flags', 'the reserved bit is set');
  if (flagOf(flags, 'dictionaryId') !== 0) {
    return broken('flags', 'the content needs a dictionary, which nobody has');
  }
  if ((blockSize & 0x8f) !== 0) return broken('blockSize', 'a reserved bit is set');
  if (blockCodes[blockSize >>> 4] === undefined) {
    return broken('blockSize', `${blockSize >>> 4} is no code of a block size`);
  }
  return undefined;
}

/** Bytes that a block may hold under a header; a little more than allowed where XtraBackup writes more. */
export function acceptedBlockBytes(flags: number, blockSize: number): number {
  const code = blockSize >>> 4;
  if (code === 6 && flags === writtenFlags) return looseBlockBytes;
  return blockCodes[code] ?? 0;
}

/** The checksum that a whole header must end with. */
export function headerChecksumOf(header: Uint8Array): number {
  return (xxh32(header.subarray(frameHeader.offset.flags, -1)) >>> 8) & 0xff;
}

/**
 * A header as XtraBackup writes it.
 * @throws RangeError when no code is large enough for `blockBytes`, the content of one block.
 */
export function encodeFrameHeader(contentSize: number, blockBytes: number): Uint8Array {
  const [code] = Object.entries(blockCodes).find(([, codeBytes]) => blockBytes <= codeBytes) ?? [];
  if (code === undefined || !Number.isInteger(blockBytes) || blockBytes < 1) {
    throw new RangeError(`blocks of ${blockBytes} bytes: LZ4 takes 1 byte to 4 MiB`);
  }
  const header = frameHeader.encode({
    magic: frameMagic,
    flags: writtenFlags,
    blockSize: Number(code) << 4,
    contentSize: BigInt(contentSize),
    headerChecksum: 0,
  });
  header[frameHeader.offset.headerChecksum] = headerChecksumOf(header);
  return header;
}
