import { crc32c } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { dataView, layout, raw, u32be, u64be, type Layout } from '../layout.ts';

// The first 512 bytes of a MariaDB 10.8+ redo log (ib_logfile0). Described in log-header.md.

const table = {
  format: [u32be, '0x50687973 ("Phys") or 0xf09f979d (encrypted)'],
  zero: [u32be, 'always 0'],
  firstLsn: [u64be, 'LSN of the byte at offset 12288, at least 12288'],
  creator: [raw(32), 'program and version that made the file, NUL padded'],
  keyId: [u32be, 'id of the server key the log key is made with; 0 in a plain log'],
  keyVersion: [u32be, 'version of that key'],
  keyMessage: [raw(16), 'random bytes the log key is made from'],
  keyNonce: [raw(4), 'random bytes that belong to the key block'],
  reserved: [raw(432), 'zeros'],
  crc: [u32be, 'CRC-32C of bytes 0 to 507'],
} as const;

/** Table of the log header: 512 bytes. */
export const logHeaderTable: Layout<typeof table> = layout('redo log header', table);

/** Offset of LSN `firstLsn` in the file, and size of header and checkpoint blocks together. */
export const logPayloadOffset = 12_288;

/** Size of the creator field; a creator has at most one byte less (the NUL). */
export const creatorBytesMax = 32;

const formatPlain = 0x50687973;
const formatEncrypted = 0xf09f979d;
const keyBlockBytes = 28;

// Only for the message: what a log of another format probably comes from.
const otherFormats: Readonly<Record<number, string>> = {
  0: 'MySQL or MariaDB before 10.2, or an empty file',
  1: 'MariaDB 10.2 or MySQL 5.7',
  2: 'MySQL 8.0.1',
  3: 'MySQL 8.0.3 to 8.0.18',
  4: 'MySQL 8.0.19 to 8.0.27',
  5: 'MySQL 8.0.28 and 8.0.29',
  6: 'MySQL 8.0.30 or later',
  103: 'MariaDB 10.3',
  104: 'MariaDB 10.4',
  0x50485953: 'MariaDB 10.5 to 10.7',
};

/**
 * How the log's bytes are kept:
 * - `plain`: everything readable;
 * - `encrypted`: page ids and FILE records are cipher text, lengths and CRC are clear;
 * - `plain with key block`: the older way to encrypt; page ids and FILE records are clear.
 */
export type LogFormat = 'plain' | 'encrypted' | 'plain with key block';

/** A log header that passed its CRC. `keyBlock` has 28 bytes and is absent in a plain log. */
export interface LogHeader {
  readonly format: LogFormat;
  readonly firstLsn: bigint;
  readonly creator: string;
  readonly keyBlock: Uint8Array | undefined;
}

/**
 * Reads the header of an ib_logfile0 from its first 512 bytes.
 * FormatError: `truncated` with fewer bytes; `invalid` when the format is another one
 * (the message names the value), the CRC does not match or the first LSN is impossible.
 */
export function decodeLogHeader(bytes: Uint8Array): LogHeader {
  const fields = logHeaderTable.decode(bytes);
  if (fields.format !== formatPlain && fields.format !== formatEncrypted) {
    const guess = otherFormats[fields.format & 0x7fffffff];
    throw broken(
      'format',
      `${hex(fields.format)} is not the format of MariaDB 10.8 or later` +
        (guess === undefined ? '' : ` (${guess})`),
    );
  }
  const computed = crc32c(bytes.subarray(0, logHeaderTable.offset.crc));
  if (computed !== fields.crc) {
    throw broken('crc', `stored ${hex(fields.crc)}, computed ${hex(computed)}`);
  }
  if (fields.firstLsn < BigInt(logPayloadOffset)) {
    throw broken('firstLsn', `${fields.firstLsn} is below ${logPayloadOffset}`);
  }
  const keyAt = logHeaderTable.offset.keyId;
  const keyBlock = bytes.slice(keyAt, keyAt + keyBlockBytes);
  const hasKey = keyBlock.some((byte) => byte !== 0);
  return {
    format: formatOf(fields.format, hasKey),
    firstLsn: fields.firstLsn,
    creator: creatorText(fields.creator),
    keyBlock: hasKey ? keyBlock : undefined,
  };
}

/** The 512 bytes of a log header. RangeError when the creator is not ASCII or too long. */
export function encodeLogHeader(header: LogHeader): Uint8Array {
  const { creator, keyBlock } = header;
  if (creator.length >= creatorBytesMax || !/^[\x20-\x7e]*$/.test(creator)) {
    throw new RangeError(`creator must be under ${creatorBytesMax} ASCII characters: ${creator}`);
  }
  if ((keyBlock === undefined) !== (header.format === 'plain')) {
    throw new RangeError(`a ${header.format} log ${keyBlock ? 'has no' : 'needs a'} key block`);
  }
  const bytes = new Uint8Array(logHeaderTable.size);
  const view = dataView(bytes);
  const at = logHeaderTable.offset;
  view.setUint32(at.format, header.format === 'encrypted' ? formatEncrypted : formatPlain);
  view.setBigUint64(at.firstLsn, header.firstLsn);
  for (let i = 0; i < creator.length; i++) bytes[at.creator + i] = creator.charCodeAt(i);
  if (keyBlock !== undefined) bytes.set(keyBlock.subarray(0, keyBlockBytes), at.keyId);
  view.setUint32(at.crc, crc32c(bytes.subarray(0, at.crc)));
  return bytes;
}

/** Bytes of nonce between a mini-transaction's end marker and its CRC. */
export function nonceBytes(format: LogFormat): 0 | 8 {
  return format === 'plain' ? 0 : 8;
}

/** Whether FILE records of this log can be read without the key. */
export function fileRecordsAreClear(format: LogFormat): boolean {
  return format !== 'encrypted';
}

function formatOf(format: number, hasKey: boolean): LogFormat {
  if (format === formatEncrypted) return 'encrypted';
  return hasKey ? 'plain with key block' : 'plain';
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
