import { FormatError } from '../format-error.ts';
import { asJsonRecord } from '../json-record.ts';
import { recordFormat } from './names.ts';
import { parseJsonRecord } from './parse-record.ts';

/** Name of the record in a backup of MySQL. */
export const systemFilesName = 'xbpipe_system_files.json';

/** A file of the system tablespace. */
export interface SystemFile {
  /** In the backup: no path. */
  name: string;
  /** Bytes that it had, at least, at the moment that the backup shows. */
  size: number;
}

/** Most files that a system tablespace is believed to have. */
const filesMax = 1000;

export function encodeSystemFiles(files: readonly SystemFile[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: recordFormat, files }) + '\n');
}

export function decodeSystemFiles(bytes: Uint8Array): SystemFile[] {
  const record = parseJsonRecord(systemFilesName, new TextDecoder().decode(bytes));
  const files = record.array('files');
  if (files.length > filesMax) {
    const message = `${files.length} entries, more than ${filesMax}`;
    throw new FormatError('invalid', `${systemFilesName} > files`, 0, message);
  }
  return files.map((value, i) => {
    const field = `${systemFilesName} > files[${i}]`;
    const entry = asJsonRecord(field, value);
    const name = entry.string('name');
    if (name === '' || name.startsWith('.') || name.includes('/')) {
      throw new FormatError('invalid', `${field} > name`, 0, `"${name}" is no file name`);
    }
    return { name, size: entry.number('size') };
  });
}
