import { FormatError } from '../format-error.ts';
import { encodeKeyValues, KeyValues, type KeyValue } from './key-values.ts';
import { shown } from './shown.ts';

/** The keys of the file in their order, as in checkpoints.md. */
export const checkpointsRows = [
  { key: 'backup_type', form: 'word', description: 'see "Backup types"' },
  {
    key: 'from_lsn',
    form: 'u64',
    description: 'where the pages start: 0, or `to_lsn` of the parent',
  },
  {
    key: 'to_lsn',
    form: 'u64',
    description: 'newest checkpoint: `from_lsn` of the next incremental',
  },
  { key: 'last_lsn', form: 'u64', description: 'end of the copied redo' },
  { key: 'recover_binlog_info', form: 'u64', description: 'MariaDB; 0 or 1, in practice 0' },
  { key: 'flushed_lsn', form: 'u64', description: 'MySQL; 0 unless DDL was locked out' },
  { key: 'redo_memory', form: 'u64', description: 'MySQL; estimate for prepare, bytes, 0 = none' },
  { key: 'redo_frames', form: 'u64', description: 'MySQL; estimate for prepare, pages, 0 = none' },
] as const;

/** The readers of the reference tools keep the type in a buffer of 30 bytes. */
const backupTypeBytesMax = 29;

/**
 * `xtrabackup_checkpoints` or `mariadb_backup_checkpoints`. LSNs stay bigint
 * here; pass them through `toSafeNumber` before doing sums with numbers.
 */
export interface Checkpoints {
  backupType: string;
  fromLsn: bigint;
  toLsn: bigint;
  lastLsn: bigint;
  /** MariaDB writes this line, MySQL's tools the three below. */
  recoverBinlogInfo?: bigint;
  flushedLsn?: bigint;
  redoMemory?: bigint;
  redoFrames?: bigint;
  /** Lines of keys that are not in the table. */
  others: readonly KeyValue[];
}

/** The words that the tools write as `backup_type`; others are kept as they are. */
export const backupTypes = {
  full: 'full-backuped',
  incremental: 'incremental',
  fullPrepared: 'full-prepared',
  logApplied: 'log-applied',
} as const;

const name = 'checkpoints';

/**
 * Reads the file. Line order does not matter here (the reference readers want
 * the first three lines in place).
 * @throws FormatError truncated when the file is cut or one of the first four lines is missing;
 *   invalid, with the offset of the line, when a line is damaged.
 */
export function decodeCheckpoints(bytes: Uint8Array): Checkpoints {
  const lines = new KeyValues(bytes, name);
  const backupType = lines.text('backup_type');
  checkBackupType(backupType, lines.offset('backup_type'));
  return {
    backupType,
    fromLsn: lines.u64('from_lsn'),
    toLsn: lines.u64('to_lsn'),
    lastLsn: lines.u64('last_lsn'),
    ...(lines.has('recover_binlog_info') && {
      recoverBinlogInfo: lines.u64('recover_binlog_info'),
    }),
    ...(lines.has('flushed_lsn') && { flushedLsn: lines.u64('flushed_lsn') }),
    ...(lines.has('redo_memory') && { redoMemory: lines.u64('redo_memory') }),
    ...(lines.has('redo_frames') && { redoFrames: lines.u64('redo_frames') }),
    others: lines.others(checkpointsRows.map((row) => row.key)),
  };
}

/** Writes the file; the optional lines that are set follow in the order of the table. */
export function encodeCheckpoints(checkpoints: Checkpoints): Uint8Array {
  checkBackupType(checkpoints.backupType, 0);
  const entries: [string, string | bigint | undefined][] = [
    ['backup_type', checkpoints.backupType],
    ['from_lsn', checkpoints.fromLsn],
    ['to_lsn', checkpoints.toLsn],
    ['last_lsn', checkpoints.lastLsn],
    ['recover_binlog_info', checkpoints.recoverBinlogInfo],
    ['flushed_lsn', checkpoints.flushedLsn],
    ['redo_memory', checkpoints.redoMemory],
    ['redo_frames', checkpoints.redoFrames],
  ];
  const lines = entries.flatMap(([key, value]): KeyValue[] =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return encodeKeyValues(name, [...lines, ...checkpoints.others]);
}

/** The first rule that the values break, in words; undefined when they hold together. */
export function validateCheckpoints(checkpoints: Checkpoints): string | undefined {
  const { backupType, fromLsn, toLsn, lastLsn } = checkpoints;
  if (isFull(checkpoints) && fromLsn !== 0n) return `${backupType} with from_lsn ${fromLsn}`;
  if (isIncremental(checkpoints) && fromLsn === 0n) return `${backupType} with from_lsn 0`;
  if (fromLsn > toLsn) return `from_lsn ${fromLsn} is past to_lsn ${toLsn}`;
  if (toLsn > lastLsn) return `to_lsn ${toLsn} is past last_lsn ${lastLsn}`;
  return undefined;
}

/** A full backup, prepared or not. */
export function isFull(checkpoints: Checkpoints): boolean {
  return [backupTypes.full, backupTypes.fullPrepared, backupTypes.logApplied].some(
    (type) => type === checkpoints.backupType,
  );
}

/** Pages of an incremental backup: deltas on a parent. */
export function isIncremental(checkpoints: Checkpoints): boolean {
  return checkpoints.backupType === backupTypes.incremental;
}

/** A reference tool has applied redo to these files: no page of them is as it was copied. */
export function isPrepared(checkpoints: Checkpoints): boolean {
  return [backupTypes.fullPrepared, backupTypes.logApplied].some(
    (type) => type === checkpoints.backupType,
  );
}

function checkBackupType(type: string, offset: number): void {
  if (!/^[!-~]+$/u.test(type) || type.length > backupTypeBytesMax) {
    throw new FormatError(
      'invalid',
      `${name} > backup_type`,
      offset,
      `${shown(type)} is no word of at most ${backupTypeBytesMax} bytes`,
    );
  }
}
