import { FormatError } from '../format-error.ts';
import { parseJsonRecord } from './parse-record.ts';
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
  /** SHA-256 of the headers of all chunks before the end record but ends behind payloads, hex. */
  chunksSha256: string;
  /** Of the whole archive under the key that it is encrypted with, hex: see seal.ts. */
  hmac?: string | undefined;
}

/** Every end record has this length, so that it is found from the last bytes of an archive. */
export const endBytes = 1024;

/** The fields always come in this order: the seal is over these bytes. */
export function encodeEnd(record: EndRecord): Uint8Array {
  const { backupId, indexOffset, indexLength, indexSha256, members, payloadBytes } = record;
  const { endOffset, chunksSha256, hmac = null } = record;
  const index = { indexOffset, indexLength, indexSha256 };
  const rest = { members, payloadBytes, endOffset, chunksSha256, hmac };
  const text = JSON.stringify({ format: recordFormat, backupId, ...index, ...rest });
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
    chunksSha256: record.string('chunksSha256'),
    hmac: record.optionalString('hmac'),
  };
}
