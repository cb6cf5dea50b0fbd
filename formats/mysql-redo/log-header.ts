import { crc32c } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { dataView, layout, raw, toSafeNumber, u32be, u64be, type Layout } from '../layout.ts';

// The first of the four blocks in front of a MySQL 8.0.30+ redo file. Described in log-header.md.

const table = {
  format: [u32be, '6 since MySQL 8.0.30'],
  logUuid: [u32be, 'random number, the same in all files of a log'],
  startLsn: [u64be, 'LSN of the byte at offset 2048; a multiple of 512, at least 8192'],
  creator: [raw(32), 'program and version that made the file, NUL padded'],
  flags: [u32be, 'bits, see the table of flags'],
  reserved: [raw(456), 'zeros'],
  crc: [u32be, 'CRC-32C of bytes 0 to 507'],
} as const;

/** Table of header block 0: 512 bytes. */
export const logHeaderTable: Layout<typeof table> = layout('redo log header', table);

/** The four header blocks together; LSN `startLsn` stands behind them. */
export const logHeaderBytes = 2048;

/** Size of every block, those of the header and those of the log. */
export const blockBytes = 512;

/** Size of the creator field; a creator has at most one byte less (the NUL). */
export const creatorBytesMax = 32;

/** The only format that is read and written here. */
export const supportedFormat = 6;

/** The lowest LSN a log begins at. */
export const startLsnMin = 8192;

/** Bit of each flag. */
export const logFlagBits = {
  noLogging: 1,
  crashUnsafe: 2,
  notInitialized: 4,
  full: 8,
} as const;

/**
 * What a header says of its file: redo logging is off (`noLogging`), a crash cannot be recovered
 * from (`crashUnsafe`), the data directory was not finished (`notInitialized`), or the log goes on
 * in the next file (`full`).
 */
export type LogFlag = keyof typeof logFlagBits;

// Only for the message: what a log of another format probably comes from.
const otherFormats: Readonly<Record<number, string>> = {
  0: 'MySQL or MariaDB before 10.2, or an empty file',
  1: 'MySQL 5.7 or MariaDB 10.2',
  2: 'MySQL 8.0.1',
  3: 'MySQL 8.0.3 to 8.0.18',
  4: 'MySQL 8.0.19 to 8.0.27',
  5: 'MySQL 8.0.28 and 8.0.29',
  0x50687973: 'MariaDB 10.8 or later',
};

/** Header block 0 that passed its checksum. `flags` are in the order of their bits. */
export interface LogHeader {
  readonly logUuid: number;
  readonly startLsn: number;
  readonly creator: string;
  readonly flags: readonly LogFlag[];
}

export interface DecodeLogHeaderOptions {
  /** Takes a header whose checksum is wrong: XtraBackup leaves it so. Default false. */
  readonly staleChecksum?: boolean;
}

/**
 * Reads the first 512 bytes of a redo file.
 * FormatError: `truncated` with fewer bytes; `invalid` when the format is not 6 (the message
 * names it), the checksum does not match, the start LSN cannot be or a flag is unknown.
 */
export function decodeLogHeader(
  bytes: Uint8Array,
  options: DecodeLogHeaderOptions = {},
): LogHeader {
  const fields = logHeaderTable.decode(bytes);
  if (fields.format !== supportedFormat) {
    const guess = otherFormats[fields.format];
    throw broken(
      'format',
      `${fields.format} is not supported${guess === undefined ? '' : ` (${guess})`}; ` +
        `${supportedFormat} is (MySQL 8.0.30 or later)`,
    );
  }
  const computed = crc32c(bytes.subarray(0, logHeaderTable.offset.crc));
  if (computed !== fields.crc && options.staleChecksum !== true) {
    throw broken('crc', `stored ${hex(fields.crc)}, computed ${hex(computed)}`);
  }
  const { name, offset } = logHeaderTable;
  const startLsn = toSafeNumber(fields.startLsn, `${name} > startLsn`, offset.startLsn);
  const rule = brokenStartLsnRule(startLsn);
  if (rule !== undefined) throw broken('startLsn', rule);
  return {
    logUuid: fields.logUuid,
    startLsn,
    creator: creatorText(fields.creator),
    flags: namedFlags(fields.flags),
  };
}

/** The 512 bytes of header block 0. RangeError when the creator or the start LSN cannot be. */
export function encodeLogHeader({ logUuid, startLsn, creator, flags }: LogHeader): Uint8Array {
  if (creator.length >= creatorBytesMax || !/^[\x20-\x7e]*$/.test(creator)) {
    throw new RangeError(`creator must be under ${creatorBytesMax} ASCII characters: ${creator}`);
  }
  const rule = brokenStartLsnRule(startLsn);
  if (rule !== undefined) throw new RangeError(`start LSN ${rule}`);
  const bytes = new Uint8Array(logHeaderTable.size);
  const view = dataView(bytes);
  const at = logHeaderTable.offset;
  view.setUint32(at.format, supportedFormat);
  view.setUint32(at.logUuid, logUuid);
  view.setBigUint64(at.startLsn, BigInt(startLsn));
  for (let i = 0; i < creator.length; i++) bytes[at.creator + i] = creator.charCodeAt(i);
  let bits = 0;
  for (const flag of flags) bits |= logFlagBits[flag];
  view.setUint32(at.flags, bits);
  view.setUint32(at.crc, crc32c(bytes.subarray(0, at.crc)));
  return bytes;
}

function brokenStartLsnRule(startLsn: number): string | undefined {
  if (!Number.isSafeInteger(startLsn)) return `${startLsn} is not a safe integer`;
  if (startLsn < startLsnMin) return `${startLsn} is below ${startLsnMin}`;
  if (startLsn % blockBytes !== 0) return `${startLsn} is not a multiple of ${blockBytes}`;
  return undefined;
}

function namedFlags(bits: number): LogFlag[] {
  const flags: LogFlag[] = [];
  let unknown = bits;
  for (const [flag, bit] of Object.entries(logFlagBits) as [LogFlag, number][]) {
    if ((bits & bit) === 0) continue;
    flags.push(flag);
    unknown ^= bit;
  }
  // A flag says how the file must be treated: one that nobody knows here cannot be obeyed.
  if (unknown !== 0) throw broken('flags', `${hex(bits)} has unknown bits`);
  return flags;
}

function creatorText(field: Uint8Array): string {
  const end = field.indexOf(0);
  return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function broken(field: keyof typeof table, message: string): FormatError {
  const path = `${logHeaderTable.name} > ${field}`;
  return new FormatError('invalid', path, logHeaderTable.offset[field], message);
}
