import { checkpointOffsets, encodeCheckpoint } from './checkpoint.ts';
import { encodeLogHeader, logPayloadOffset, type LogHeader } from './log-header.ts';

/** What a server looks for in the creator to know that the log comes from a backup. */
export const backupCreatorPrefix = 'Backup ';

/** What the header of a backup's log is made of. */
export interface BackupHeader {
  /** Header of the live log: its format and key block are taken over. */
  readonly source: LogHeader;
  readonly checkpointLsn: bigint;
  /** End LSN of the same checkpoint block. */
  readonly endLsn: bigint;
  /** Begins with "Backup ": the server then forgives missing #sql tables. */
  readonly creator: string;
}

/**
 * The first 12288 bytes of a backup's ib_logfile0: LSN `checkpointLsn` stands at offset
 * 12288, the checkpoint is in block 1 and block 2 is zero. See README.md, "The log of a backup".
 * RangeError when the creator or the LSNs cannot be.
 */
export function encodeBackupHeader(header: BackupHeader): Uint8Array {
  const { source, checkpointLsn, endLsn, creator } = header;
  if (!creator.startsWith(backupCreatorPrefix)) {
    throw new RangeError(`creator must begin with "${backupCreatorPrefix}": ${creator}`);
  }
  if (checkpointLsn < source.firstLsn || endLsn < checkpointLsn) {
    throw new RangeError(
      `checkpoint ${checkpointLsn} to ${endLsn} in a log from ${source.firstLsn}`,
    );
  }
  const bytes = new Uint8Array(logPayloadOffset);
  const { format, keyBlock } = source;
  bytes.set(encodeLogHeader({ format, keyBlock, firstLsn: checkpointLsn, creator }), 0);
  bytes.set(encodeCheckpoint({ checkpointLsn, endLsn }), checkpointOffsets[0]);
  return bytes;
}
