import { FormatError } from '../format-error.ts';
import { encryptionBlock } from './encryption-block.ts';
import { joinHeader } from './join-header.ts';
import { decodeLogHeader, logHeaderTable, type LogHeader } from './log-header.ts';
import { blockStart, isEndLsn } from './lsn.ts';

/** What the creator of a backup's log begins with; the time of the backup follows. */
export const backupCreatorPrefix = 'xtrabkup ';

/** What the header of a backup's log is made of. */
export interface BackupHeader {
  /** The first 2048 bytes of the redo file that holds the checkpoint. */
  readonly source: Uint8Array;
  readonly checkpointLsn: number;
  readonly startedAt: Date;
}

/**
 * The first 2048 bytes of `xtrabackup_logfile`: the block of the checkpoint stands behind them,
 * both checkpoint blocks name it, the encryption block is the source's. See README.md, "The
 * log of a backup". FormatError when the source is damaged or its redo cannot be recovered
 * from (logging disabled); RangeError when the checkpoint is not one of that file.
 */
export function encodeBackupHeader(header: BackupHeader): Uint8Array {
  const { source, checkpointLsn, startedAt } = header;
  const { logUuid, startLsn, flags } = decodeLogHeader(source);
  const useless = flags.find((flag) => flag !== 'full');
  if (useless !== undefined) {
    const { name, offset } = logHeaderTable;
    const message = `${useless}: nothing can be recovered from this log`;
    throw new FormatError('invalid', `${name} > flags`, offset.flags, message);
  }
  if (!isEndLsn(checkpointLsn) || checkpointLsn < startLsn) {
    throw new RangeError(`checkpoint ${checkpointLsn} in a file from ${startLsn}`);
  }
  const first: LogHeader = {
    logUuid,
    startLsn: blockStart(checkpointLsn),
    creator: backupCreatorPrefix + timestamp(startedAt),
    flags: [],
  };
  return joinHeader(first, checkpointLsn, encryptionBlock(source));
}

/** `YYMMDD HH:MM:SS`, in UTC. */
function timestamp(date: Date): string {
  const iso = date.toISOString();
  return `${iso.slice(2, 10).replaceAll('-', '')} ${iso.slice(11, 19)}`;
}
