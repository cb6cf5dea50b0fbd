import { crc32 } from '../crc.ts';
import { FormatError } from '../format-error.ts';
import { layout, raw, u16le, u32be, u32le, u8 } from '../layout.ts';
import { u24le, u48le } from './field-types.ts';

/**
 * The whole of `aria_log_control`, which says where recovery of Aria tables begins and which
 * log file is the last. Format: log-control.md.
 */
const table = {
  magic: [u32be, '0xfefe0c01: Aria log control file, version 1'],
  uuid: [raw(16), 'uuid of this set of logs'],
  fixedBytes: [u16le, 'length of the part that never changes, up to fixedChecksum: 30'],
  changingBytes: [u16le, 'length of the rest: 22'],
  blockSize: [u16le, 'bytes in a page of tables made by this server'],
  fixedChecksum: [u32le, 'CRC-32 of the bytes before it'],
  changingChecksum: [u32le, 'CRC-32 of the bytes after it'],
  checkpointFile: [u24le, 'LSN of the last checkpoint: number of the log file'],
  checkpointOffset: [u32le, 'LSN of the last checkpoint: byte in that file'],
  lastLogNumber: [u32le, 'number of the last log file'],
  transactionIdMax: [u48le, 'highest transaction id given out'],
  recoveryFailures: [u8, 'recoveries in a row that failed'],
} as const;

export const logControl = layout('aria_log_control', table);

const magic = 0xfefe_0c01;
const fixedBytes = 30;
const changingBytes = 22;

export interface AriaLogControl {
  readonly checkpointLsn: { readonly file: number; readonly offset: number };
  /** The log files are `aria_log.00000001` and so on, up to this number. */
  readonly lastLogNumber: number;
  readonly blockSize: number;
  readonly uuid: Uint8Array;
}

/**
 * Reads `aria_log_control` (52 bytes). Throws a FormatError: `truncated` for fewer bytes,
 * `invalid` for another file, another version, or a CRC that is wrong, which in a running
 * server means that the file was read while it was written.
 */
export function readLogControl(bytes: Uint8Array): AriaLogControl {
  const control = logControl.decode(bytes);
  expect('magic', control.magic, magic);
  expect('fixedBytes', control.fixedBytes, fixedBytes);
  expect('changingBytes', control.changingBytes, changingBytes);
  const { fixedChecksum, checkpointFile } = logControl.offset;
  expect('fixedChecksum', control.fixedChecksum, crc32(bytes.subarray(0, fixedChecksum)));
  const changing = bytes.subarray(checkpointFile, logControl.size);
  expect('changingChecksum', control.changingChecksum, crc32(changing));
  return {
    checkpointLsn: { file: control.checkpointFile, offset: control.checkpointOffset },
    lastLogNumber: control.lastLogNumber,
    blockSize: control.blockSize,
    uuid: control.uuid,
  };
}

function expect(field: keyof typeof table, value: number, wanted: number): void {
  if (value === wanted) return;
  throw new FormatError(
    'invalid',
    `${logControl.name} > ${field}`,
    logControl.offset[field],
    `0x${value.toString(16)} where 0x${wanted.toString(16)} belongs`,
  );
}

/** The name of a log file by its number. */
export function logFileName(number: number): string {
  return `aria_log.${String(number).padStart(8, '0')}`;
}
