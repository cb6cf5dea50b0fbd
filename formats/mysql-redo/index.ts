export { backupCreatorPrefix, encodeBackupHeader, type BackupHeader } from './backup-header.ts';
export {
  blockDataLength,
  blockTable,
  isEncryptedBlock,
  judgeBlock,
  type BlockState,
} from './block.ts';
export {
  checkpointLsns,
  checkpointOffsets,
  checkpointTable,
  decodeCheckpoint,
  encodeCheckpoint,
} from './checkpoint.ts';
export { cutBlock } from './cut-block.ts';
export {
  encryptionBlock,
  encryptionBlockOffset,
  encryptionBlockTable,
} from './encryption-block.ts';
export {
  brokenFileSizeRule,
  parseRedoFileName,
  redoDirectory,
  redoFileBytesMax,
  redoFileBytesMin,
  redoFileName,
} from './log-files.ts';
export {
  blockBytes,
  creatorBytesMax,
  decodeLogHeader,
  encodeLogHeader,
  logFlagBits,
  logHeaderBytes,
  logHeaderTable,
  startLsnMin,
  supportedFormat,
  type DecodeLogHeaderOptions,
  type LogFlag,
  type LogHeader,
} from './log-header.ts';
export {
  blockEpoch,
  blockHeaderBytes,
  blockNumber,
  blockStart,
  blockTrailerBytes,
  fileEndLsn,
  fileHoldsLsn,
  isEndLsn,
  lsnToOffset,
  type RedoFile,
} from './lsn.ts';
export { planRedoFiles, type PlannedRedoFile } from './redo-plan.ts';
export { scanBlocks, type BlockScan } from './scan-blocks.ts';
export { encodeServerHeader, type ServerHeader } from './server-header.ts';
export { BackupLogCheck, type BackupLogOptions, type BackupLogReport } from './verify-log.ts';
