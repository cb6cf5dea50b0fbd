import { asJsonRecord } from '../json-record.ts';
import { FormatError } from '../format-error.ts';
import { shown } from './shown.ts';

/** The keys of the file and of each entry in their order, as in tablespaces.md. */
export const tablespacesRows = [
  { key: 'version', form: 'number', description: '2; a greater one is refused' },
  { key: 'external_tablespaces', form: 'array', description: 'the entries; may be empty' },
  { key: 'file_name', form: 'text', description: 'entry: path of the file on the server' },
  { key: 'tablespace_name', form: 'text', description: "entry: the server's name for it" },
  { key: 'tablespace_type', form: 'type', description: 'entry: `TABLESPACE` or `UNDO_LOG`' },
] as const;

/** The version that is written and the greatest that is read. */
const tablespacesVersion = 2;

/** Longest file that is written or read, bytes: about 100 000 tablespaces. */
export const tablespacesBytesMax = 16 * 1024 * 1024;

const types = ['TABLESPACE', 'UNDO_LOG'] as const;
export type TablespaceType = (typeof types)[number];

/** A file that did not lie where its name says. Both texts are untrusted when read. */
export interface TablespaceEntry {
  fileName: string;
  tablespaceName: string;
  type: TablespaceType;
}

const name = 'tablespaces';

/**
 * Writes `xtrabackup_tablespaces`, the entries in the order given.
 * @throws FormatError invalid when a text would not be read back or the file is over the limit.
 */
export function encodeTablespaces(list: readonly TablespaceEntry[]): Uint8Array {
  const entries = list.map((entry, i) => ({
    file_name: checkText(entry.fileName, `${entryField(i)} > file_name`),
    tablespace_name: checkText(entry.tablespaceName, `${entryField(i)} > tablespace_name`),
    tablespace_type: checkType(entry.type, `${entryField(i)} > tablespace_type`),
  }));
  const text = JSON.stringify({ version: tablespacesVersion, external_tablespaces: entries });
  const bytes = new TextEncoder().encode(text);
  checkSize(bytes);
  return bytes;
}

/**
 * Reads `xtrabackup_tablespaces`; keys that are not in the table are ignored.
 * @throws FormatError invalid over the size limit, of a newer version, or on anything else than
 *   the spec says; truncated when the file is empty.
 */
export function decodeTablespaces(bytes: Uint8Array): TablespaceEntry[] {
  checkSize(bytes);
  const record = asJsonRecord(name, parseJson(bytes));
  const version = record.number('version');
  if (version > tablespacesVersion) {
    const message = `${version} is newer than ${tablespacesVersion}, the last one known`;
    throw new FormatError('invalid', `${name} > version`, 0, message);
  }
  return record.array('external_tablespaces').map((value, i) => decodeEntry(value, entryField(i)));
}

function decodeEntry(value: unknown, field: string): TablespaceEntry {
  const entry = asJsonRecord(field, value);
  // Only a key that is not there means the older version's one type; `null` is damage.
  const hasType = Object.hasOwn(value as object, 'tablespace_type');
  return {
    fileName: checkText(entry.string('file_name'), `${field} > file_name`),
    tablespaceName: checkText(entry.string('tablespace_name'), `${field} > tablespace_name`),
    type: hasType
      ? checkType(entry.string('tablespace_type'), `${field} > tablespace_type`)
      : 'TABLESPACE',
  };
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw new FormatError('truncated', name, 0, 'the file is empty');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError('invalid', name, 0, 'not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError('invalid', name, 0, 'not JSON, or cut short');
  }
}

/** Paths and names go on to the file system: NUL would end them early, half a pair would change. */
function checkText(text: string, field: string): string {
  if (text === '') throw new FormatError('invalid', field, 0, 'empty');
  if (/[\0\p{Surrogate}]/u.test(text)) {
    throw new FormatError('invalid', field, 0, `${shown(text)} is no name`);
  }
  return text;
}

function checkType(text: string, field: string): TablespaceType {
  const type = types.find((known) => known === text);
  if (type !== undefined) return type;
  const message = `${shown(text)} is none of ${types.join(', ')}`;
  throw new FormatError('invalid', field, 0, message);
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= tablespacesBytesMax) return;
  const message = `${bytes.length} bytes are over the limit ${tablespacesBytesMax}`;
  throw new FormatError('invalid', `${name} > size`, 0, message);
}

function entryField(index: number): string {
  return `${name} > external_tablespaces[${index}]`;
}
