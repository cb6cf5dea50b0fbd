import { crc32c } from '../crc.ts';
import { dataView } from '../layout.ts';
import { decodeFileRecord } from './file-record.ts';
import { recordBody, recordEnd } from './record-end.ts';
import { readVarint } from './varint.ts';

const crcBytes = 4;
const slash = 0x2f;
const dot = 0x2e;

/**
 * A path of a FILE record that stays inside the data directory, of the same
 * length in bytes: `/disk2/db/t.ibd` becomes `.///////db/t.ibd` with as many slashes as
 * it takes. `undefined` when the path is inside already (`./db/t.ibd`); FILE records
 * name tables only, so the last two components are database and file.
 * RangeError when the path is too short to be replaced.
 */
export function confinedPath(path: Uint8Array): Uint8Array | undefined {
  const parts = split(path);
  const inside = parts.length === 3 && path[0] === dot && path[1] === slash;
  if (inside) return undefined;
  const tail = path.length - ((parts.at(-2)?.length ?? 0) + 1 + (parts.at(-1)?.length ?? 0));
  if (parts.length < 3 || tail < 2) {
    throw new RangeError(`${new TextDecoder().decode(path)} is too short to be moved inside`);
  }
  const confined = Uint8Array.from(path);
  confined.fill(slash, 0, tail);
  confined[0] = dot;
  return confined;
}

/**
 * Confines every path in the FILE records that a mini-transaction begins with, in
 * place, and renews its CRC. `window[at, at + length)` is a whole, valid mini-transaction
 * of a log whose FILE records are clear. Returns how many paths it changed.
 *
 * A server that recovers a backup opens, renames and deletes what these records
 * name: outside of the data directory that would be files of the live server.
 */
export function confineFilePaths(
  window: Uint8Array,
  at: number,
  length: number,
  nonceBytes: 0 | 8,
): number {
  const end = at + length;
  const marker = end - crcBytes - nonceBytes - 1;
  let changed = 0;
  for (let record = at; record < marker && (window[record] ?? 0) >= 0x80;) {
    const next = recordEnd(window, record, marker);
    if (next < 0 || next > marker) break;
    for (const path of pathsOf(window, record, next)) {
      const confined = confinedPath(path);
      if (confined) {
        path.set(confined);
        changed += 1;
      }
    }
    record = next;
  }
  if (changed > 0) renewCrc(window, at, marker, end);
  return changed;
}

/** The paths of one FILE record, as views of the window. */
function pathsOf(window: Uint8Array, record: number, next: number): Uint8Array[] {
  const { type } = decodeFileRecord(window, record, next, 0);
  if (type === 'checkpoint' || type === 'unknown') return [];
  const space = readVarint(window, recordBody(window, record), next);
  if (space === undefined) return [];
  const body = window.subarray(space.next + 1, next);
  const nul = body.indexOf(0);
  return nul < 0 ? [body] : [body.subarray(0, nul), body.subarray(nul + 1)];
}

function renewCrc(window: Uint8Array, at: number, marker: number, end: number): void {
  const records = crc32c(window.subarray(at, marker));
  const crc = crc32c(window.subarray(marker + 1, end - crcBytes), records);
  dataView(window).setUint32(end - crcBytes, crc);
}

function split(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = path.indexOf(slash); at >= 0; at = path.indexOf(slash, from)) {
    parts.push(path.subarray(from, at));
    from = at + 1;
  }
  parts.push(path.subarray(from));
  return parts;
}
