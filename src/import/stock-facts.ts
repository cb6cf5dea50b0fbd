import { randomUUID } from 'node:crypto';
import type { Manifest } from '../../formats/archive-record/index.ts';
import { FormatError } from '../../formats/format-error.ts';
import { toSafeNumber } from '../../formats/layout.ts';
import * as mariadbRedo from '../../formats/mariadb-redo/index.ts';
import {
  acceptedNames,
  commonNames,
  decodeBackupMyCnf,
  decodeBinlogInfo,
  decodeCheckpoints,
  decodeInfo,
  isIncremental,
} from '../../formats/metadata/index.ts';
import * as mysqlRedo from '../../formats/mysql-redo/index.ts';
import { BackupError, toBackupError } from '../errors.ts';
import { isMariadb } from '../server/flavour.ts';
import type { KeptMembers } from './kept-members.ts';

const redoNames = { mariadb: 'ib_logfile0', mysql: 'xtrabackup_logfile' } as const;

/** The files of a stock backup that say what it is. */
export const factFiles: readonly string[] = [
  ...acceptedNames.checkpoints,
  ...acceptedNames.info,
  ...acceptedNames.binlogInfo,
  commonNames.backupMyCnf,
  ...Object.values(redoNames),
];

/** What a manifest says of a backup and not of its archive. */
export type StockFacts = Omit<
  Manifest,
  'members' | 'plainBytes' | 'objects' | 'index' | 'compression' | 'encryption'
>;

/** Reads what a stock backup says of itself. @throws BackupError chain for an incremental one. */
export function stockFacts(kept: KeptMembers): StockFacts {
  const checkpoints = required(kept, acceptedNames.checkpoints, decodeCheckpoints);
  if (isIncremental(checkpoints)) {
    throw new BackupError('chain', 'it is an incremental backup, which does not name its parent', {
      hint: 'only full backups are imported',
    });
  }
  const info = required(kept, acceptedNames.info, decodeInfo);
  const options = required(kept, [commonNames.backupMyCnf], decodeBackupMyCnf);
  const binlog = optional(kept, acceptedNames.binlogInfo, decodeBinlogInfo);
  const flavour = isMariadb(info.serverVersion) ? 'mariadb' : 'mysql';
  const toLsn = lsn(checkpoints.toLsn);
  return {
    backupId: isUuid(info.uuid) ? info.uuid : randomUUID(),
    tool: `${info.toolName} ${info.toolVersion}`,
    flavour,
    serverVersion: info.serverVersion,
    pageSize: Number(options.u64('innodb_page_size') ?? 16_384n),
    redoStart: redoStart(kept, flavour) ?? 0,
    toLsn,
    lastLsn: lsn(checkpoints.lastLsn),
    binlog: binlog && {
      file: binlog.file,
      position: toSafeNumber(binlog.position, 'binlog position', 0),
      gtid: binlog.gtid ?? '',
    },
    startedAt: timeOf(info.startTime),
    finishedAt: timeOf(info.endTime),
  };
}

/**
 * The checkpoint that the copied redo starts at; undefined in a log that is not understood. Whoever
 * takes an increment copies what changed since: 0 is everything, while an LSN that is too late (the
 * newest checkpoint is) would leave out pages.
 */
function redoStart(kept: KeptMembers, flavour: keyof typeof redoNames): number | undefined {
  const header = kept.find([redoNames[flavour]])?.bytes;
  if (!header) return undefined;
  try {
    if (flavour === 'mysql') {
      return mysqlRedo.decodeCheckpoint(header, mysqlRedo.checkpointOffsets[0]);
    }
    const { firstLsn } = mariadbRedo.decodeLogHeader(header);
    const newest = mariadbRedo.newestCheckpoint(header, firstLsn);
    return newest && lsn(newest.checkpointLsn);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function required<T>(
  kept: KeptMembers,
  names: readonly string[],
  decode: (bytes: Uint8Array) => T,
): T {
  const value = optional(kept, names, decode);
  if (value !== undefined) return value;
  throw new BackupError('incomplete', `the archive has no ${names.join(' or ')}`);
}

function optional<T>(
  kept: KeptMembers,
  names: readonly string[],
  decode: (bytes: Uint8Array) => T,
): T | undefined {
  const found = kept.find(names);
  if (!found) return undefined;
  try {
    return decode(found.bytes);
  } catch (error) {
    const { message } = toBackupError(error);
    throw new BackupError('corrupt', `${found.name}: ${message}`, { cause: error });
  }
}

function lsn(value: bigint): number {
  return toSafeNumber(value, 'LSN', 0);
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** `YYYY-MM-DD hh:mm:ss` without a zone: taken for the time of this machine. */
function timeOf(text: string): string {
  const time = new Date(text.replace(' ', 'T'));
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) && !Number.isNaN(time.getTime())) {
    return time.toISOString();
  }
  throw new BackupError('corrupt', `${JSON.stringify(text)} is no time of a backup`);
}
