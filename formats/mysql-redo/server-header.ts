import { checkpointOffsets, decodeCheckpoint } from './checkpoint.ts';
import { encryptionBlock } from './encryption-block.ts';
import { joinHeader } from './join-header.ts';
import { decodeLogHeader, type DecodeLogHeaderOptions, type LogFlag } from './log-header.ts';
import { blockStart } from './lsn.ts';

/** What the header of a redo file for a server's recovery is made of. */
export interface ServerHeader extends DecodeLogHeaderOptions {
  /** The first 2048 bytes of the backup's log. */
  readonly backupHeader: Uint8Array;
  /** What the server calls itself, such as `9.7.4-2`; the three numbers in front are taken. */
  readonly serverVersion: string;
  /** LSN of the first block behind this header. */
  readonly startLsn: number;
  readonly flags: readonly LogFlag[];
}

/**
 * The first 2048 bytes of an `#ib_redoN` that a server recovers from. Checkpoint and
 * encryption block stand in the file that begins with the checkpoint's block; later files have
 * neither, as a server writes them. FormatError when the backup's header is damaged;
 * RangeError when version or start LSN cannot be.
 */
export function encodeServerHeader(header: ServerHeader): Uint8Array {
  const { backupHeader, serverVersion, startLsn, flags } = header;
  const { logUuid } = decodeLogHeader(backupHeader, header);
  const version = /^\d+\.\d+\.\d+/.exec(serverVersion)?.[0];
  if (version === undefined) throw new RangeError(`no version of a server: ${serverVersion}`);
  const checkpointLsn = decodeCheckpoint(backupHeader, checkpointOffsets[0]);
  const first = blockStart(checkpointLsn);
  if (startLsn < first) throw new RangeError(`start LSN ${startLsn} is before the block ${first}`);
  const block = { logUuid, startLsn, creator: `MySQL ${version}`, flags };
  const encryption = encryptionBlock(backupHeader);
  return startLsn === first
    ? joinHeader(block, checkpointLsn, encryption)
    : joinHeader(block, 0, undefined);
}
