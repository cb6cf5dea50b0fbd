import {
  type BackupInfo,
  type BinlogInfo,
  formatBinlogPos,
  formatInfoTime,
} from '../../formats/metadata/index.ts';
import { version } from '../version.ts';
import type { BackupFacts } from './course.ts';

/** What `xtrabackup_info` says of a full backup, whichever product it is of. */
export function fullBackupInfo(
  serverVersion: string,
  facts: BackupFacts,
  binlog: BinlogInfo | undefined,
): BackupInfo {
  return {
    uuid: facts.backupId,
    name: '',
    toolName: 'xbpipe',
    toolCommand: facts.command,
    toolVersion: version,
    ibbackupVersion: version,
    serverVersion,
    startTime: formatInfoTime(facts.startedAt),
    endTime: formatInfoTime(facts.endedAt),
    lockTime: Math.round(facts.commitsBlockedMs / 1000),
    binlogPos: formatBinlogPos(binlog),
    innodbFromLsn: 0n,
    innodbToLsn: BigInt(facts.toLsn),
    partial: false,
    incremental: false,
    format: facts.format,
    compressed: facts.encoding.compression !== undefined,
    others: [],
  };
}
