export { backupCreatorPrefix, encodeBackupHeader, type BackupHeader } from './backup-header.ts';
export {
  brokenCheckpointRule,
  checkpointOffsets,
  checkpointTable,
  encodeCheckpoint,
  newestCheckpoint,
  type Checkpoint,
} from './checkpoint.ts';
export { decodeFileRecord, type FileRecord } from './file-record.ts';
export {
  creatorBytesMax,
  decodeLogHeader,
  encodeLogHeader,
  fileRecordsAreClear,
  logHeaderTable,
  logPayloadOffset,
  nonceBytes,
  type LogFormat,
  type LogHeader,
} from './log-header.ts';
export { logRing, lsnToOffset, sequenceBit, type LogRing } from './lsn.ts';
export {
  miniTransactionBytesMax,
  scanMiniTransactions,
  type Scan,
  type ScanOptions,
  type ScanStop,
} from './mini-transaction.ts';
export { BackupLogCheck, type BackupLogReport } from './verify-log.ts';
export { confineFilePaths, confinedPath } from './confine-paths.ts';
