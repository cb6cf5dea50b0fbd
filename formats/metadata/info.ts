import { toSafeNumber } from '../layout.ts';
import { encodeKeyValues, KeyValues, type KeyValue } from './key-values.ts';

/** The keys of the file in their order, as in info.md. */
export const infoRows = [
  { key: 'uuid', form: 'text', description: 'identity of the backup' },
  { key: 'name', form: 'text', description: 'name given by the user, or empty' },
  { key: 'tool_name', form: 'text', description: 'program' },
  { key: 'tool_command', form: 'text', description: 'its arguments, secrets as `...`' },
  { key: 'tool_version', form: 'text', description: 'its version' },
  { key: 'ibbackup_version', form: 'text', description: 'the same again' },
  { key: 'server_version', form: 'text', description: '`SELECT VERSION()` of the server' },
  { key: 'server_flavor', form: 'text', description: 'newer MySQL tools only' },
  { key: 'start_time', form: 'time', description: 'start, local time' },
  { key: 'end_time', form: 'time', description: 'end, local time' },
  { key: 'lock_time', form: 'u64', description: 'seconds the backup lock was held' },
  { key: 'binlog_pos', form: 'text', description: 'see binlog-info.md; empty: binary log is off' },
  { key: 'innodb_from_lsn', form: 'u64', description: '`from_lsn` of the checkpoints file' },
  { key: 'innodb_to_lsn', form: 'u64', description: '`to_lsn` of the checkpoints file' },
  { key: 'partial', form: 'Y or N', description: 'some tables only' },
  { key: 'incremental', form: 'Y or N', description: 'deltas on a parent' },
  { key: 'format', form: 'text', description: '`file`, `tar`, `xbstream`, `mbstream`' },
  { key: 'compressed', form: '`compressed` or N', description: 'members are compressed' },
  { key: 'encrypted', form: 'Y or N', description: 'MySQL only: members are encrypted' },
  { key: 'lock_ddl_type', form: 'text', description: 'newer MySQL tools only' },
] as const;

/** `xtrabackup_info` or `mariadb_backup_info`: what the backup is, for people and for the history table. */
export interface BackupInfo {
  uuid: string;
  name: string;
  toolName: string;
  /** The arguments after `maskArgv`: never raw ones. */
  toolCommand: string;
  toolVersion: string;
  ibbackupVersion: string;
  serverVersion: string;
  serverFlavor?: string;
  /** `YYYY-MM-DD hh:mm:ss`, local time; see `formatInfoTime`. */
  startTime: string;
  endTime: string;
  /** Seconds. */
  lockTime: number;
  /** See `formatBinlogPos`. */
  binlogPos: string;
  innodbFromLsn: bigint;
  innodbToLsn: bigint;
  partial: boolean;
  incremental: boolean;
  format: string;
  compressed: boolean;
  encrypted?: boolean;
  lockDdlType?: string;
  /** Lines of keys that are not in the table, such as `compact` of old tools. */
  others: readonly KeyValue[];
}

const name = 'info';
const yesNo = { Y: true, N: false } as const;

/**
 * Reads the file, keys in any order.
 * @throws FormatError truncated when it is cut or a line that every version writes is missing;
 *   invalid, with the offset of the line, when a line is damaged.
 */
export function decodeInfo(bytes: Uint8Array): BackupInfo {
  const lines = new KeyValues(bytes, name);
  return {
    uuid: lines.text('uuid'),
    name: lines.text('name'),
    toolName: lines.text('tool_name'),
    toolCommand: lines.text('tool_command'),
    toolVersion: lines.text('tool_version'),
    ibbackupVersion: lines.text('ibbackup_version'),
    serverVersion: lines.text('server_version'),
    ...(lines.has('server_flavor') && { serverFlavor: lines.text('server_flavor') }),
    startTime: lines.text('start_time'),
    endTime: lines.text('end_time'),
    lockTime: toSafeNumber(lines.u64('lock_time'), 'lock_time', lines.offset('lock_time')),
    binlogPos: lines.text('binlog_pos'),
    innodbFromLsn: lines.u64('innodb_from_lsn'),
    innodbToLsn: lines.u64('innodb_to_lsn'),
    partial: lines.choice('partial', yesNo),
    incremental: lines.choice('incremental', yesNo),
    format: lines.text('format'),
    compressed: lines.choice('compressed', { compressed: true, Y: true, N: false }),
    ...(lines.has('encrypted') && { encrypted: lines.choice('encrypted', yesNo) }),
    ...(lines.has('lock_ddl_type') && { lockDdlType: lines.text('lock_ddl_type') }),
    others: lines.others(infoRows.map((row) => row.key)),
  };
}

/** Writes the file in the order of the table: readers of the reference tools count lines. */
export function encodeInfo(info: BackupInfo): Uint8Array {
  const flag = (value: boolean): string => (value ? 'Y' : 'N');
  const entries: [string, string | undefined][] = [
    ['uuid', info.uuid],
    ['name', info.name],
    ['tool_name', info.toolName],
    ['tool_command', info.toolCommand],
    ['tool_version', info.toolVersion],
    ['ibbackup_version', info.ibbackupVersion],
    ['server_version', info.serverVersion],
    ['server_flavor', info.serverFlavor],
    ['start_time', info.startTime],
    ['end_time', info.endTime],
    ['lock_time', String(info.lockTime)],
    ['binlog_pos', info.binlogPos],
    ['innodb_from_lsn', String(info.innodbFromLsn)],
    ['innodb_to_lsn', String(info.innodbToLsn)],
    ['partial', flag(info.partial)],
    ['incremental', flag(info.incremental)],
    ['format', info.format],
    ['compressed', info.compressed ? 'compressed' : 'N'],
    ['encrypted', info.encrypted === undefined ? undefined : flag(info.encrypted)],
    ['lock_ddl_type', info.lockDdlType],
  ];
  const lines = entries.flatMap(([key, value]): KeyValue[] =>
    value === undefined ? [] : [[key, value]],
  );
  return encodeKeyValues(name, [...lines, ...info.others]);
}

/** `YYYY-MM-DD hh:mm:ss` in the time zone of this process. */
export function formatInfoTime(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
