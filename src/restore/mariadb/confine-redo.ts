import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  confineFilePaths,
  decodeLogHeader,
  fileRecordsAreClear,
  logPayloadOffset,
  nonceBytes,
  scanMiniTransactions,
} from '../../../formats/mariadb-redo/index.ts';
import { BackupError } from '../../errors.ts';
import type { ExternalTable } from './external-tables.ts';
import { readFully } from '../../tablespace/read-fully.ts';

/** More than the largest mini-transaction (1 MiB). */
const windowBytes = 4 * 1024 * 1024;

/**
 * Makes the redo log of a backup name files of its own directory only. A table
 * with DATA DIRECTORY is logged under its absolute path, and on the host of the
 * source that is the live server's file: the recovering server would open, rename or
 * delete it. The paths keep their length, so no LSN moves; may be run again.
 * Returns the paths changed.
 */
export function confineRedo(directory: string, external: readonly ExternalTable[]): number {
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
    const changed = confineAll(fd, {
      nonceBytes: nonceBytes(format),
      insider: insiderOf(external),
    });
    if (changed > 0) fsyncSync(fd);
    return changed;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BackupError('recovery', `${path} names a file outside: ${error.message}`, {
      where: { path },
      cause: error,
    });
  } finally {
    closeSync(fd);
  }
}

/**
 * A table that was renamed into another database keeps its directory on the other
 * disk: its link says where it is. What has no link any more is named by its last
 * two components, as InnoDB names files.
 */
function insiderOf(external: readonly ExternalTable[]): (path: string) => string {
  const members = new Map(external.map(({ table, sourcePath }) => [sourcePath, `${table}.ibd`]));
  return (path) => members.get(path) ?? path.split('/').slice(-2).join('/');
}

function confineAll(fd: number, options: Parameters<typeof confineFilePaths>[3]): number {
  const window = new Uint8Array(windowBytes);
  let changed = 0;
  for (let offset = logPayloadOffset; ;) {
    const bytes = window.subarray(0, readFully(fd, window, offset));
    const before = changed;
    const { consumed } = scanMiniTransactions(bytes, 0, {
      sequenceBit: () => 1,
      nonceBytes: options.nonceBytes,
      limitLsn: bytes.length,
      onMiniTransaction: (at, length) => {
        if ((bytes[at] ?? 0) >= 0x80) changed += confineFilePaths(bytes, at, length, options);
      },
    });
    if (consumed === 0) return changed;
    if (changed > before) writeSync(fd, bytes, 0, consumed, offset);
    offset += consumed;
  }
}

function refuseUnreadable(external: readonly ExternalTable[]): void {
  const [first] = external;
  if (!first) return;
  throw new BackupError(
    'recovery',
    `the redo log is encrypted, and ${first.table} was outside the data directory: ` +
      'the paths in the log cannot be changed without its key',
    { hint: 'prepare this backup with mariadb-backup --prepare' },
  );
}
