import { type Flavour, decodeFlavour } from './flavour.ts';
import { parseJsonRecord } from './parse-record.ts';
import { beginName, recordFormat } from './names.ts';

/** What is known before the first page is copied: see archive-record.md. */
export interface BeginRecord {
  /** UUID of this backup; the index and the end record repeat it. */
  backupId: string;
  tool: string;
  flavour: Flavour;
  serverVersion: string;
  /** innodb_page_size, bytes. */
  pageSize: number;
  /** Checkpoint LSN that the copied redo starts at. */
  redoStart: number;
  parentId?: string | undefined;
  /** How its members are compressed; undefined when they are not. */
  compression?: string | undefined;
  /** Algorithm that its members are encrypted with; undefined when they are not. */
  encryption?: string | undefined;
  /** Tells a wrong key before anything is decrypted, hex: see seal.ts. */
  keyCheck?: string | undefined;
  /** True when the index has the SHA-256 of every chunk. */
  digests: boolean;
  /** ISO 8601, UTC. */
  startedAt: string;
}

/** Longest begin record a reader accepts, bytes. */
export const beginBytesMax = 64 * 1024;

export function encodeBegin(record: BeginRecord): Uint8Array {
  const { parentId, compression, encryption, keyCheck, digests, ...rest } = record;
  const optional = {
    parentId: parentId ?? null,
    compression: compression ?? null,
    encryption: encryption ?? null,
    keyCheck: keyCheck ?? null,
    digests,
  };
  return new TextEncoder().encode(
    JSON.stringify({ format: recordFormat, ...rest, ...optional }) + '\n',
  );
}

export function decodeBegin(bytes: Uint8Array): BeginRecord {
  const record = parseJsonRecord(beginName, new TextDecoder().decode(bytes));
  return {
    backupId: record.string('backupId'),
    tool: record.string('tool'),
    flavour: decodeFlavour(beginName, record),
    serverVersion: record.string('serverVersion'),
    pageSize: record.number('pageSize'),
    redoStart: record.number('redoStart'),
    startedAt: record.string('startedAt'),
    parentId: record.optionalString('parentId'),
    compression: record.optionalString('compression'),
    encryption: record.optionalString('encryption'),
    keyCheck: record.optionalString('keyCheck'),
    digests: record.optionalBoolean('digests') ?? false,
  };
}
