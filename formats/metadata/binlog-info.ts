import { FormatError } from '../format-error.ts';
import { assertOneLine, parseU64, splitLines } from './key-values.ts';
import { shown } from './shown.ts';

/** The fields of the line, as in binlog-info.md. */
export const binlogInfoRows = [
  { key: 'file', form: 'text', description: 'base name of the binary log file' },
  { key: 'position', form: 'u64', description: 'offset in that file where the backup stands' },
  { key: 'gtid', form: 'text', description: 'GTID position or set; may be empty, may be absent' },
] as const;

/** Where the backup stands in the server's binary log. */
export interface BinlogInfo {
  file: string;
  position: bigint;
  /** Undefined: the line has two fields (MySQL without GTIDs). MariaDB always writes three. */
  gtid?: string;
}

const name = 'binlog info';

/**
 * Reads `xtrabackup_binlog_info` or `mariadb_backup_binlog_info`.
 * @throws FormatError truncated when the line has no end or is missing, invalid when it is damaged.
 */
export function decodeBinlogInfo(bytes: Uint8Array): BinlogInfo {
  const [line, second] = splitLines(bytes, name, true);
  if (line === undefined)
    throw new FormatError('truncated', `${name} > file`, 0, 'the file is empty');
  if (second !== undefined) {
    throw new FormatError('invalid', `${name} > line`, second.offset, 'a second line');
  }
  const fields = line.text.split('\t');
  const [file = '', position = '', gtid] = fields;
  if (fields.length < 2 || fields.length > 3) {
    throw new FormatError('invalid', `${name} > line`, 0, `${fields.length} fields, not 2 or 3`);
  }
  if (file === '') throw new FormatError('invalid', `${name} > file`, 0, 'no file name');
  // A flipped bit makes a carriage return of a hyphen.
  if (fields.some((field) => /\p{Cc}/u.test(field))) {
    throw new FormatError('invalid', `${name} > line`, 0, 'a control character');
  }
  const number = parseU64(position);
  if (number === undefined) {
    const text = `${shown(position)} is no unsigned 64-bit number`;
    throw new FormatError('invalid', `${name} > position`, 0, text);
  }
  return { file, position: number, ...(gtid !== undefined && { gtid }) };
}

/**
 * Writes the file. Line breaks in a GTID set, as MySQL shows it, are taken out.
 * @throws FormatError invalid when a field would be read back as something else.
 */
export function encodeBinlogInfo(info: BinlogInfo): Uint8Array {
  const fields = [info.file, String(info.position)];
  if (info.gtid !== undefined) fields.push(joinGtid(info.gtid));
  if (info.file === '') throw new FormatError('invalid', `${name} > file`, 0, 'no file name');
  for (const field of fields) {
    assertOneLine(field, `${name} > line`);
    if (field.includes('\t')) {
      throw new FormatError('invalid', `${name} > line`, 0, `a tab in ${shown(field)}`);
    }
  }
  return new TextEncoder().encode(`${fields.join('\t')}\n`);
}

/** The same position as the value of `binlog_pos` in the info file; empty when the log is off. */
export function formatBinlogPos(info: BinlogInfo | undefined): string {
  if (info === undefined) return '';
  const gtid = info.gtid === undefined ? '' : `, GTID of the last change '${joinGtid(info.gtid)}'`;
  return `filename '${info.file}', position '${info.position}'${gtid}`;
}

function joinGtid(gtid: string): string {
  return gtid.replaceAll(/[\r\n]/gu, '');
}
