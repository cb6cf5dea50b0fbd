import {
  backupTypes,
  commonNames,
  encodeBinlogInfo,
  encodeCheckpoints,
  encodeInfo,
  encodeMariadbBackupMyCnf,
  metadataNames,
} from '../../../formats/metadata/index.ts';
import type { MariadbInfo } from '../../server/mariadb/mariadb-info.ts';
import type { BackupFacts, MetadataFile } from '../course.ts';
import { backupInfo } from '../info-file.ts';
import { flatDataFilePath } from '../plan/system-files.ts';

/** The text files that stock tools and scripts read; the checkpoints come last. */
export function metadataFiles(info: MariadbInfo, facts: BackupFacts): MetadataFile[] {
  const names = metadataNames({ flavour: 'mariadb', version: info.series });
  const binlog = facts.binlog && { ...facts.binlog, position: BigInt(facts.binlog.position) };
  return [
    ...(binlog ? [{ name: names.binlogInfo, bytes: encodeBinlogInfo(binlog) }] : []),
    { name: commonNames.backupMyCnf, bytes: backupMyCnf(info) },
    { name: names.info, bytes: encodeInfo(backupInfo(info.version, facts, binlog)) },
    {
      name: names.checkpoints,
      bytes: encodeCheckpoints({
        backupType: facts.fromLsn === undefined ? backupTypes.full : backupTypes.incremental,
        fromLsn: BigInt(facts.fromLsn ?? 0),
        toLsn: BigInt(facts.toLsn),
        lastLsn: BigInt(facts.lastLsn),
        recoverBinlogInfo: 0n,
        others: [],
      }),
    },
  ];
}

function backupMyCnf(info: MariadbInfo): Uint8Array {
  return encodeMariadbBackupMyCnf({
    checksumAlgorithm: 'crc32',
    dataFilePath: flatDataFilePath(info),
    logFileSize: BigInt(info.logFileSize),
    pageSize: info.pageSize,
    undoDirectory: './',
    undoTablespaces: info.undoTablespaces,
    compressionLevel: info.compressionLevel,
    encryption: [],
  });
}
