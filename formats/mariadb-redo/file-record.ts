import { dataView, toSafeNumber } from '../layout.ts';
import { recordBody, recordEnd } from './record-end.ts';
import { readVarint } from './varint.ts';

// FILE records of a MariaDB 10.8+ redo log. Described in file-record.md.

/**
 * A record about a file, not a page. `endLsn` is the end of its mini-transaction; paths are
 * as in the log ("./db/t.ibd"), read as UTF-8. `checkpointLsn` is absent in padding.
 * `unknown` has a valid CRC all the same: a code or a body this does not know.
 */
export type FileRecord = { readonly endLsn: number } & (
  | {
      readonly type: 'create' | 'delete' | 'modify';
      readonly spaceId: number;
      readonly path: string;
    }
  | {
      readonly type: 'rename';
      readonly spaceId: number;
      readonly path: string;
      readonly newPath: string;
    }
  | { readonly type: 'checkpoint'; readonly checkpointLsn: number | undefined }
  | { readonly type: 'unknown'; readonly code: number; readonly reason: string }
);

/** High half of the first byte of a FILE record: the same-page flag, where there is no page yet. */
const codes = { create: 0x8, delete: 0x9, rename: 0xa, modify: 0xb, checkpoint: 0xf } as const;

const utf8 = new TextDecoder();

/**
 * Reports the FILE records a mini-transaction begins with. `marker` is the position of its
 * end marker; the framing and CRC must have been checked. Never throws by itself.
 */
export function reportFileRecords(
  window: Uint8Array,
  start: number,
  marker: number,
  endLsn: number,
  report: (record: FileRecord) => void,
): void {
  let at = start;
  while (at < marker && (window[at] ?? 0) >= 0x80) {
    const end = recordEnd(window, at, marker);
    if (end < 0 || end > marker) return;
    report(decodeFileRecord(window, at, end, endLsn));
    at = end;
  }
}

/** Whether a byte begins a FILE_CHECKPOINT record; it is clear in encrypted logs too. */
export function isFileCheckpoint(firstByte: number): boolean {
  return firstByte >> 4 === codes.checkpoint;
}

/** Decodes the FILE record in `bytes[at, end)`. */
export function decodeFileRecord(
  bytes: Uint8Array,
  at: number,
  end: number,
  endLsn: number,
): FileRecord {
  const code = (bytes[at] ?? 0) >> 4;
  const unknown = (reason: string): FileRecord => ({ type: 'unknown', code, reason, endLsn });
  const space = readVarint(bytes, recordBody(bytes, at), end);
  if (space === undefined) return unknown('no space id');
  if (space.next >= end || bytes[space.next] !== 0) return unknown('page number is not 0');
  const body = bytes.subarray(space.next + 1, end);
  const spaceId = space.value;
  switch (code) {
    case codes.create:
      return { type: 'create', spaceId, path: utf8.decode(body), endLsn };
    case codes.delete:
      return { type: 'delete', spaceId, path: utf8.decode(body), endLsn };
    case codes.modify:
      return { type: 'modify', spaceId, path: utf8.decode(body), endLsn };
    case codes.rename: {
      const nul = body.indexOf(0);
      if (nul < 0) return unknown('rename without a new name');
      const path = utf8.decode(body.subarray(0, nul));
      return {
        type: 'rename',
        spaceId,
        path,
        newPath: utf8.decode(body.subarray(nul + 1)),
        endLsn,
      };
    }
    case codes.checkpoint: {
      if (body.every((byte) => byte === 0)) {
        return { type: 'checkpoint', checkpointLsn: undefined, endLsn };
      }
      if (spaceId !== 0 || body.length !== 8) return unknown(`checkpoint of ${body.length} bytes`);
      return checkpointRecord(body, code, endLsn);
    }
    default:
      return unknown(`code ${code}`);
  }
}

function checkpointRecord(body: Uint8Array, code: number, endLsn: number): FileRecord {
  const lsn = dataView(body).getBigUint64(0);
  if (lsn > BigInt(Number.MAX_SAFE_INTEGER)) {
    return { type: 'unknown', code, reason: `checkpoint lsn ${lsn}`, endLsn };
  }
  const checkpointLsn = toSafeNumber(lsn, 'FILE_CHECKPOINT > checkpoint lsn', 0);
  return { type: 'checkpoint', checkpointLsn, endLsn };
}
