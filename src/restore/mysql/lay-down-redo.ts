import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type PlannedRedoFile,
  blockBytes,
  blockStart,
  cutBlock,
  encodeServerHeader,
  isEncryptedBlock,
  logHeaderBytes,
  planRedoFiles,
  redoFileName,
} from '../../../formats/mysql-redo/index.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import type { BackupDirectory } from '../backup-directory.ts';
import type { RedoRange } from '../restore-course.ts';
import { findBackupLog, firstRedoFile } from './backup-log.ts';

const copyBytes = 4 * 1024 * 1024;

/**
 * Turns the backup's redo log into the `#innodb_redo` that a server recovers from:
 * the same blocks, cut at the end of the backup, under a header of the server's own.
 * What does not fit into one file goes into more. `fileBytesMax`: for tests.
 */
export function layDownRedo(
  { path, begin, serverVersion, options }: BackupDirectory,
  { checkpointLsn, lastLsn }: RedoRange,
  fileBytesMax?: number,
): void {
  const first = join(path, firstRedoFile);
  mkdirSync(dirname(first), { recursive: true });
  renameSync(findBackupLog(path), first);
  const fd = openSync(first, 'r+');
  try {
    const startLsn = blockStart(checkpointLsn);
    const payloadBytes = blockStart(lastLsn) + blockBytes - startLsn;
    cutAt(fd, lastLsn, logHeaderBytes + payloadBytes);
    const pageSize = Number(options.u64('innodb_page_size') ?? 16384n);
    const files = planRedoFiles(payloadBytes, pageSize, fileBytesMax);
    const backupHeader = new Uint8Array(logHeaderBytes);
    readFully(fd, backupHeader, 0);
    const header = (file: PlannedRedoFile): Uint8Array =>
      encodeServerHeader({
        backupHeader,
        serverVersion,
        startLsn: startLsn + file.payloadOffset,
        flags: file.full ? ['full'] : [],
        staleChecksum: begin === undefined,
      });
    // From the last to the first, so that what was moved can be cut off: no room is needed twice.
    for (const file of files.slice(1).toReversed()) {
      moveOut(fd, file, join(dirname(first), redoFileName(file.number)), header(file));
    }
    for (const file of files.slice(0, 1)) {
      writeSync(fd, header(file), 0, logHeaderBytes, 0);
      ftruncateSync(fd, file.fileBytes);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Ends the log at `lsn`, in the block that ends at file offset `end`. */
function cutAt(fd: number, lsn: number, end: number): void {
  const block = new Uint8Array(blockBytes);
  readFully(fd, block, end - blockBytes);
  if (!isEncryptedBlock(block, 0)) {
    writeSync(fd, cutBlock(block, lsn), 0, blockBytes, end - blockBytes);
  }
  ftruncateSync(fd, end);
}

/** Moves the end of the log into a file of its own. */
function moveOut(
  from: number,
  { payloadOffset, payloadBytes, fileBytes }: PlannedRedoFile,
  path: string,
  header: Uint8Array,
): void {
  const to = openSync(path, 'w');
  try {
    writeSync(to, header, 0, header.length, 0);
    const buffer = new Uint8Array(copyBytes);
    for (let done = 0; done < payloadBytes;) {
      const piece = buffer.subarray(0, Math.min(copyBytes, payloadBytes - done));
      readFully(from, piece, logHeaderBytes + payloadOffset + done);
      writeSync(to, piece, 0, piece.length, logHeaderBytes + done);
      done += piece.length;
    }
    ftruncateSync(to, fileBytes);
    fsyncSync(to);
  } finally {
    closeSync(to);
  }
  ftruncateSync(from, logHeaderBytes + payloadOffset);
}
