import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  confineFilePaths,
  decodeLogHeader,
  fileRecordsAreClear,
  logPayloadOffset,
  nonceBytes,
  scanMiniTransactions,
} from '../../formats/mariadb-redo/index.ts';
import { BackupError } from '../errors.ts';
import { readFully } from '../tablespace/read-fully.ts';

/** More than the largest mini-transaction (1 MiB). */
const windowBytes = 4 * 1024 * 1024;

/**
 * Makes the redo log of a backup name files of its own directory only. A table
 * with DATA DIRECTORY is logged under its absolute path, and on the host of the
 * source that is the live server's file: the recovering server would open, rename or
 * delete it. The paths keep their length, so no LSN moves; may be run again.
 * Returns the paths changed. `external`: tables of the backup that were outside.
 */
export function confineRedo(directory: string, external: readonly string[]): number {
  const path = join(directory, 'ib_logfile0');
  const fd = openSync(path, 'r+');
  try {
    const head = new Uint8Array(logPayloadOffset);
    readFully(fd, head, 0);
    const { format } = decodeLogHeader(head);
    if (!fileRecordsAreClear(format)) {
      refuseUnreadable(external);
      return 0;
    }
    const changed = confineAll(fd, nonceBytes(format));
    if (changed > 0) fsyncSync(fd);
    return changed;
  } finally {
    closeSync(fd);
  }
}

function confineAll(fd: number, nonce: 0 | 8): number {
  const window = new Uint8Array(windowBytes);
  let changed = 0;
  for (let offset = logPayloadOffset; ;) {
    const bytes = window.subarray(0, readFully(fd, window, offset));
    const before = changed;
    const { consumed } = scanMiniTransactions(bytes, 0, {
      sequenceBit: () => 1,
      nonceBytes: nonce,
      limitLsn: bytes.length,
      onMiniTransaction: (at, length) => {
        if ((bytes[at] ?? 0) >= 0x80) changed += confineFilePaths(bytes, at, length, nonce);
      },
    });
    if (consumed === 0) return changed;
    if (changed > before) writeSync(fd, bytes, 0, consumed, offset);
    offset += consumed;
  }
}

function refuseUnreadable(external: readonly string[]): void {
  if (external.length === 0) return;
  throw new BackupError(
    'recovery',
    `the redo log is encrypted, and ${external[0]} was outside the data directory: ` +
      'the paths in the log cannot be changed without its key',
    { hint: 'prepare this backup with mariadb-backup --prepare' },
  );
}
