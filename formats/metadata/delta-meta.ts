import { checkPageSize } from '../delta/page-size.ts';
import { FormatError } from '../format-error.ts';
import { encodeKeyValues, KeyValues, parseU64, type KeyValue } from './key-values.ts';
import { shown } from './shown.ts';

/** The keys of the file in their order, as in delta-meta.md. */
export const deltaMetaRows = [
  { key: 'page_size', form: 'u32', description: 'bytes of a page as it lies in the file' },
  { key: 'zip_size', form: 'u32', description: 'the same with ROW_FORMAT=COMPRESSED, otherwise 0' },
  { key: 'space_id', form: 'u32', description: 'tablespace id; 0xffffffff is none' },
  { key: 'space_flags', form: 'u32', description: 'MySQL; flags of page 0 of the file' },
] as const;

/** `<data file>.meta`: what has to be known to put the pages of a `.delta` in their places. */
export interface DeltaMeta {
  /** Bytes. */
  pageSize: number;
  /** Bytes, 0 unless the pages are those of ROW_FORMAT=COMPRESSED. */
  zipSize: number;
  spaceId: number;
  /** MySQL's tools write this line, MariaDB's a blank behind `zip_size`. */
  spaceFlags?: number;
  /** Lines of keys that are not in the table. */
  others: readonly KeyValue[];
}

const name = 'delta meta';
const noSpace = 0xffff_ffff;

/**
 * Reads the file, keys in any order.
 * @throws FormatError truncated when it is cut or one of the first three lines is missing;
 *   invalid, with the offset of the line, when a line is damaged.
 */
export function decodeDeltaMeta(bytes: Uint8Array): DeltaMeta {
  const lines = new KeyValues(bytes, name);
  const meta: DeltaMeta = {
    pageSize: u32(lines, 'page_size'),
    zipSize: u32(lines, 'zip_size', true),
    spaceId: u32(lines, 'space_id'),
    ...(lines.has('space_flags') && { spaceFlags: u32(lines, 'space_flags') }),
    others: lines.others(deltaMetaRows.map((row) => row.key)),
  };
  check(meta, (key) => lines.offset(key));
  return meta;
}

/**
 * Writes the file as MySQL's tools do, or MariaDB's when there are no space flags.
 * @throws FormatError invalid when it would not be read back.
 */
export function encodeDeltaMeta(meta: DeltaMeta): Uint8Array {
  check(meta, () => 0);
  const { pageSize, zipSize, spaceId, spaceFlags } = meta;
  const flags: KeyValue[] = spaceFlags === undefined ? [] : [['space_flags', `${spaceFlags}`]];
  return encodeKeyValues(name, [
    ['page_size', `${pageSize}`],
    ['zip_size', spaceFlags === undefined ? `${zipSize} ` : `${zipSize}`],
    ['space_id', `${spaceId}`],
    ...flags,
    ...meta.others,
  ]);
}

/** `blank`: MariaDB's tool puts one behind the number. */
function u32(lines: KeyValues, key: string, blank = false): number {
  const value = lines.text(key);
  const number = parseU64(blank ? value.replace(/ $/u, '') : value);
  if (number === undefined || number > 0xffff_ffffn) {
    throw invalid(key, lines.offset(key), `${shown(value)} is no unsigned 32-bit number`);
  }
  return Number(number);
}

function check(meta: DeltaMeta, offsetOf: (key: string) => number): void {
  const { pageSize, zipSize, spaceId, spaceFlags = 0 } = meta;
  checkPageSize(pageSize, `${name} > page_size`, offsetOf('page_size'));
  if (zipSize !== 0 && zipSize !== pageSize) {
    const message = `${zipSize} in a file of pages of ${pageSize} bytes`;
    throw invalid('zip_size', offsetOf('zip_size'), message);
  }
  for (const [key, value, max] of [
    ['space_id', spaceId, noSpace - 1],
    ['space_flags', spaceFlags, 0xffff_ffff],
  ] as const) {
    if (Number.isInteger(value) && value >= 0 && value <= max) continue;
    throw invalid(key, offsetOf(key), `${value} is not from 0 to ${max}`);
  }
}

function invalid(key: string, offset: number, message: string): FormatError {
  return new FormatError('invalid', `${name} > ${key}`, offset, message);
}
