import { basename } from 'node:path';
import {
  backupTypes,
  commonNames,
  encodeBinlogInfo,
  encodeCheckpoints,
  encodeInfo,
  encodeMariadbBackupMyCnf,
  formatBinlogPos,
  formatInfoTime,
  metadataNames,
} from '../../formats/metadata/index.ts';
import type { BinlogPosition } from '../server/mariadb/binlog-position.ts';
import type { ServerInfo } from '../server/server-info.ts';
import { version } from '../version.ts';

/** What a finished copy knows of itself. */
export interface BackupFacts {
  backupId: string;
  startedAt: Date;
  endedAt: Date;
  /** Newest checkpoint at the end: what the next incremental of stock tools starts from. */
  toLsn: number;
  /** End of the copied redo. */
  lastLsn: number;
  commitsBlockedMs: number;
  binlog: BinlogPosition | undefined;
  /** The command line, secrets masked. */
  command: string;
  format: 'file' | 'xbstream';
}

/** A metadata file: its name in the backup and its bytes. */
export interface MetadataFile {
  name: string;
  bytes: Uint8Array;
}

/** The text files that stock tools and scripts read; the checkpoints come last. */
export function metadataFiles(info: ServerInfo, facts: BackupFacts): MetadataFile[] {
  const names = metadataNames({ flavour: 'mariadb', version: info.series });
  const binlog = facts.binlog && { ...facts.binlog, position: BigInt(facts.binlog.position) };
  return [
    ...(binlog ? [{ name: names.binlogInfo, bytes: encodeBinlogInfo(binlog) }] : []),
    { name: commonNames.backupMyCnf, bytes: backupMyCnf(info) },
    {
      name: names.info,
      bytes: encodeInfo({
        uuid: facts.backupId,
        name: '',
        toolName: 'xbpipe',
        toolCommand: facts.command,
        toolVersion: version,
        ibbackupVersion: version,
        serverVersion: info.version,
        startTime: formatInfoTime(facts.startedAt),
        endTime: formatInfoTime(facts.endedAt),
        lockTime: Math.round(facts.commitsBlockedMs / 1000),
        binlogPos: formatBinlogPos(binlog),
        innodbFromLsn: 0n,
        innodbToLsn: BigInt(facts.toLsn),
        partial: false,
        incremental: false,
        format: facts.format,
        compressed: false,
        others: [],
      }),
    },
    {
      name: names.checkpoints,
      bytes: encodeCheckpoints({
        backupType: backupTypes.full,
        fromLsn: 0n,
        toLsn: BigInt(facts.toLsn),
        lastLsn: BigInt(facts.lastLsn),
        recoverBinlogInfo: 0n,
        others: [],
      }),
    },
  ];
}

function backupMyCnf(info: ServerInfo): Uint8Array {
  const dataFilePath = info.dataFilePath
    .split(';')
    .map((part) => {
      const [path = '', ...rest] = part.split(':');
      return [basename(path), ...rest].join(':');
    })
    .join(';');
  return encodeMariadbBackupMyCnf({
    checksumAlgorithm: 'crc32',
    dataFilePath,
    logFileSize: BigInt(info.logFileSize),
    pageSize: info.pageSize,
    undoDirectory: './',
    undoTablespaces: info.undoTablespaces,
    compressionLevel: info.compressionLevel,
    encryption: [],
  });
}
