import {
  type BackupInfo,
  type BinlogInfo,
  formatBinlogPos,
  formatInfoTime,
} from '../../formats/metadata/index.ts';
import { version } from '../version.ts';
import type { BackupFacts } from './course.ts';

/** What `xtrabackup_info` says of a backup, whichever product it is of. */
export function backupInfo(
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
    innodbFromLsn: BigInt(facts.fromLsn ?? 0),
    innodbToLsn: BigInt(facts.toLsn),
    partial: false,
    incremental: facts.fromLsn !== undefined,
    format: facts.format,
    compressed: facts.encoding.compression !== undefined,
    others: [],
  };
}
