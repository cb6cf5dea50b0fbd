import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { crc32c } from '../../../formats/crc.ts';
import { FormatError } from '../../../formats/format-error.ts';
import { dataView } from '../../../formats/layout.ts';
import {
  BackupLogCheck,
  blockEpoch,
  blockNumber,
  blockTable,
  encodeBackupHeader,
  encodeLogHeader,
  type BackupLogOptions,
  type BackupLogReport,
} from '../../../formats/mysql-redo/index.ts';

/** A vector made by the server, see vectors/README.txt. */
export function vector(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(`formats/mysql-redo/vectors/${name}.gz`)));
}

/** What log_status said of the logs that the vectors `live` and `encrypted` are pieces of. */
export const live = { lsn: 144_773_858, checkpoint: 144_767_205, blocksFrom: 144_766_976 };
export const encrypted = { lsn: 19_444_615, checkpoint: 19_437_838, blocksFrom: 19_437_568 };

/** Bytes that are the same in every run. */
export function noise(seed: number, length: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
}

export interface BlockFields {
  number?: number;
  epoch?: number;
  dataLength?: number;
  firstRecordGroup?: number;
}

/** The block for `lsn`, its data noise, its checksum right. */
export function block(lsn: number, fields: BlockFields = {}): Uint8Array {
  const dataLength = fields.dataLength ?? 512;
  const data = new Uint8Array(496);
  data.set(noise(lsn + 7, Math.max(0, Math.min(496, (dataLength & 0x7fff) - 12))));
  const bytes = blockTable.encode({
    number: blockNumber(lsn),
    firstRecordGroup: 12,
    epoch: blockEpoch(lsn),
    data,
    crc: 0,
    ...fields,
    dataLength,
  });
  return withChecksum(bytes);
}

/** The same 512 bytes with the checksum that belongs to them. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  dataView(bytes).setUint32(508, crc32c(bytes.subarray(0, 508)));
  return bytes;
}

/** Blocks in order from `lsn`, the last one partial when `lastLength` is below 512. */
export function blocks(lsn: number, count: number, lastLength = 512): Uint8Array {
  const parts = Array.from({ length: count }, (_, i) =>
    block(lsn + 512 * i, i === count - 1 ? { dataLength: lastLength } : {}),
  );
  return Buffer.concat(parts);
}

/** The header of a plain live file that begins at `startLsn`. */
export function liveHeader(startLsn: number): Uint8Array {
  const bytes = new Uint8Array(2048);
  const header = { logUuid: 0x375d_1d0c, startLsn, creator: 'MySQL 9.7.4', flags: [] };
  bytes.set(encodeLogHeader(header));
  return bytes;
}

/** A plain backup log: header for the checkpoint, then the parts. */
export function backupLog(checkpointLsn: number, ...parts: Uint8Array[]): Uint8Array {
  const source = liveHeader(8192);
  const head = encodeBackupHeader({ source, checkpointLsn, startedAt: new Date(0) });
  return Buffer.concat([head, ...parts]);
}

/** The log a backup would make of the vector `live` or `encrypted`: its whole and partial blocks. */
export function backupOf(name: 'live' | 'encrypted', checkpointLsn: number): Uint8Array {
  const bytes = vector(name);
  const head = encodeBackupHeader({ source: bytes, checkpointLsn, startedAt: new Date(0) });
  return Buffer.concat([head, bytes.subarray(2048, 2048 + 14 * 512)]);
}

export function check(
  bytes: Uint8Array,
  options: BackupLogOptions = {},
  pieceBytes = bytes.length,
): BackupLogReport {
  const log = new BackupLogCheck(options);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    log.push(bytes.subarray(at, at + pieceBytes));
  }
  return log.end();
}

/** What the check says: a report, or the kind of error. Anything but a FormatError fails. */
export function verdict(
  bytes: Uint8Array,
  options: BackupLogOptions = {},
): BackupLogReport | 'truncated' | 'invalid' {
  try {
    return check(bytes, options);
  } catch (error) {
    if (error instanceof FormatError) return error.kind;
    throw error;
  }
}

export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
