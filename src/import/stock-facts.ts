import { randomUUID } from 'node:crypto';
import type { Manifest } from '../../formats/archive-record/index.ts';
import { toSafeNumber } from '../../formats/layout.ts';
import {
  acceptedNames,
  commonNames,
  decodeBackupMyCnf,
  decodeBinlogInfo,
  decodeCheckpoints,
  decodeInfo,
  isIncremental,
} from '../../formats/metadata/index.ts';
import { BackupError, toBackupError } from '../errors.ts';
import { type Flavour, isMariadb } from '../server/flavour.ts';
import type { KeptMembers } from './kept-members.ts';
import { stockRedoNames, stockRedoStart } from './stock-redo-start.ts';

/** The files of a stock backup that say what it is. */
export const factFiles: readonly string[] = [
  ...acceptedNames.checkpoints,
  ...acceptedNames.info,
  ...acceptedNames.binlogInfo,
  commonNames.backupMyCnf,
  ...Object.values(stockRedoNames),
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
    redoStart: redoStart(kept, flavour),
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

/** 0 where it is not known: an increment from there copies everything. */
function redoStart(kept: KeptMembers, flavour: Flavour): number {
  const head = kept.find([stockRedoNames[flavour]])?.bytes;
  return (head && stockRedoStart(head, flavour)) ?? 0;
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
