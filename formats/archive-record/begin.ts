import type { JsonRecord } from '../json-record.ts';
import { type Flavour, decodeFlavour } from './flavour.ts';
import { parseJsonRecord } from './parse-record.ts';
import { beginName, recordFormat } from './names.ts';

/** What an increment of this backup needs to use MySQL's page tracking. */
export interface PageTracking {
  /** LSN to ask the server by for the pages that it wrote since the first page was copied. */
  startLsn: number;
  /** Start of the server process, seconds since 1970 by its own clock. */
  serverStarted: number;
  /** Every table and index with a greater id is newer than the backup. */
  newestTableId: number;
  newestIndexId: number;
}

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
  /** Backup that this one is an increment of; undefined if full. */
  parentId?: string | undefined;
  /** Of an increment: it holds every page with an LSN of at least this. */
  sinceLsn?: number | undefined;
  /** What the server calls itself: MySQL's server_uuid, MariaDB's server_uid. */
  serverId?: string | undefined;
  /** First LSN of a redo log that a restored server begins anew: MariaDB. */
  redoBegan?: number | undefined;
  /** Backup that the server's files were restored from, as its info file calls it. */
  restoredFrom?: string | undefined;
  /** When, ISO 8601, UTC: the time of that file. */
  restoredAt?: string | undefined;
  /** Undefined where no page was tracked. */
  pageTracking?: PageTracking | undefined;
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

/** Whether a backup is one only together with those below it, whether it names them or not. */
export function isIncrement({
  parentId,
  sinceLsn,
}: Pick<BeginRecord, 'parentId' | 'sinceLsn'>): boolean {
  return parentId !== undefined || sinceLsn !== undefined;
}

/** Longest begin record a reader accepts, bytes. */
export const beginBytesMax = 64 * 1024;

export function encodeBegin(record: BeginRecord): Uint8Array {
  const {
    parentId,
    sinceLsn,
    serverId,
    redoBegan,
    restoredFrom,
    restoredAt,
    pageTracking,
    compression,
    encryption,
    keyCheck,
    digests,
    ...rest
  } = record;
  const optional = {
    parentId: parentId ?? null,
    sinceLsn: sinceLsn ?? null,
    serverId: serverId ?? null,
    redoBegan: redoBegan ?? null,
    restoredFrom: restoredFrom ?? null,
    restoredAt: restoredAt ?? null,
    pageTracking: pageTracking ?? null,
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
    sinceLsn: record.optionalNumber('sinceLsn'),
    serverId: record.optionalString('serverId'),
    redoBegan: record.optionalNumber('redoBegan'),
    restoredFrom: record.optionalString('restoredFrom'),
    restoredAt: record.optionalString('restoredAt'),
    pageTracking: decodePageTracking(record.optionalRecord('pageTracking')),
    compression: record.optionalString('compression'),
    encryption: record.optionalString('encryption'),
    keyCheck: record.optionalString('keyCheck'),
    digests: record.optionalBoolean('digests') ?? false,
  };
}

function decodePageTracking(record: JsonRecord | undefined): PageTracking | undefined {
  return (
    record && {
      startLsn: record.number('startLsn'),
      serverStarted: record.number('serverStarted'),
      newestTableId: record.number('newestTableId'),
      newestIndexId: record.number('newestIndexId'),
    }
  );
}
