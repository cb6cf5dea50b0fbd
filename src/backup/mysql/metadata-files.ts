import {
  type SystemFile,
  encodeSystemFiles,
  systemFilesName,
} from '../../../formats/archive-record/index.ts';
import {
  type TablespaceEntry,
  backupTypes,
  commonNames,
  encodeBinlogInfo,
  encodeCheckpoints,
  encodeInfo,
  encodeMysqlBackupMyCnf,
  encodeTablespaces,
  metadataNames,
} from '../../../formats/metadata/index.ts';
import type { MysqlInfo } from '../../server/mysql/mysql-info.ts';
import type { BackupFacts, MetadataFile } from '../course.ts';
import { backupInfo } from '../info-file.ts';
import { flatDataFilePath } from '../plan/system-files.ts';

/** What the lock and the plan of a backup add to its facts. */
export interface MysqlFacts extends BackupFacts {
  /** Durable LSN when DDL was locked out. */
  lockedLsn: number;
  moved: readonly TablespaceEntry[];
  systemFiles: readonly SystemFile[];
}

/** The text files that stock tools and scripts read; the checkpoints and the tablespaces come last. */
export function metadataFiles(info: MysqlInfo, facts: MysqlFacts): MetadataFile[] {
  const names = metadataNames({ flavour: 'mysql', version: info.series });
  const binlog = facts.binlog && {
    file: facts.binlog.file,
    position: BigInt(facts.binlog.position),
    ...(facts.binlog.gtid === '' ? {} : { gtid: facts.binlog.gtid }),
  };
  return [
    ...(binlog ? [{ name: names.binlogInfo, bytes: encodeBinlogInfo(binlog) }] : []),
    { name: systemFilesName, bytes: encodeSystemFiles(facts.systemFiles) },
    { name: commonNames.backupMyCnf, bytes: backupMyCnf(info, facts) },
    {
      name: names.info,
      bytes: encodeInfo({
        ...backupInfo(info.version, facts, binlog),
        encrypted: facts.encoding.encryption !== undefined,
      }),
    },
    {
      name: names.checkpoints,
      bytes: encodeCheckpoints({
        backupType: facts.fromLsn === undefined ? backupTypes.full : backupTypes.incremental,
        fromLsn: BigInt(facts.fromLsn ?? 0),
        toLsn: BigInt(facts.toLsn),
        lastLsn: BigInt(facts.lastLsn),
        flushedLsn: BigInt(facts.lockedLsn),
        redoMemory: 0n,
        redoFrames: 0n,
        others: [],
      }),
    },
    { name: commonNames.tablespaces, bytes: encodeTablespaces(facts.moved) },
  ];
}

function backupMyCnf(info: MysqlInfo, facts: MysqlFacts): Uint8Array {
  return encodeMysqlBackupMyCnf({
    checksumAlgorithm: info.checksumAlgorithm,
    logChecksums: true,
    dataFilePath: flatDataFilePath(info),
    logFileSize: BigInt(info.redoCapacity),
    pageSize: info.pageSize,
    undoDirectory: './',
    undoTablespaces: facts.moved.filter(({ type }) => type === 'UNDO_LOG').length,
    serverId: info.serverId,
    redoLogEncrypt: info.redoEncrypted,
    undoLogEncrypt: info.undoEncrypted,
    pluginLoad: [],
    serverUuid: info.serverUuid,
    // A server with another value does not take the data directory.
    others: [['lower_case_table_names', info.lowerCaseTableNames]],
  });
}
