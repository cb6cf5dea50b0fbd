import { FormatError } from '../format-error.ts';
import { parseJsonRecord } from './json-record.ts';
import { endName, recordFormat } from './names.ts';

/** The commit record inside the stream: see archive-record.md. */
export interface EndRecord {
  backupId: string;
  /** Archive offset of the index's first chunk, bytes. */
  indexOffset: number;
  /** Length of the index, bytes of payload. */
  indexLength: number;
  /** SHA-256 of the index, hex. */
  indexSha256: string;
  /** Members before the index. */
  members: number;
  /** Payload bytes of those members. */
  payloadBytes: number;
  /** Archive offset of the end record's own first byte. */
  endOffset: number;
}

/** Every end record has this length, so that it is found from the last bytes of an archive. */
export const endBytes = 1024;

export function encodeEnd(record: EndRecord): Uint8Array {
  const text = JSON.stringify({ format: recordFormat, ...record });
  if (text.length >= endBytes) {
    throw new FormatError('invalid', endName, 0, `${text.length} bytes do not fit ${endBytes}`);
  }
  return new TextEncoder().encode(text.padEnd(endBytes - 1) + '\n');
}

export function decodeEnd(bytes: Uint8Array): EndRecord {
  if (bytes.length !== endBytes) {
    throw new FormatError('invalid', endName, 0, `${bytes.length} bytes instead of ${endBytes}`);
  }
  const record = parseJsonRecord(endName, new TextDecoder().decode(bytes));
  return {
    backupId: record.string('backupId'),
    indexOffset: record.number('indexOffset'),
    indexLength: record.number('indexLength'),
    indexSha256: record.string('indexSha256'),
    members: record.number('members'),
    payloadBytes: record.number('payloadBytes'),
    endOffset: record.number('endOffset'),
  };
}
