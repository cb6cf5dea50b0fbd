import { crc32c } from '../crc.ts';
import { dataView } from '../layout.ts';
import { decodeFileRecord } from './file-record.ts';
import { recordBody, recordEnd } from './record-end.ts';
import { readVarint } from './varint.ts';

const crcBytes = 4;
const slash = 0x2f;
const dot = 0x2e;

/** Says which file of the data directory (`db/t.ibd`) a path outside of it stands for. */
export type Insider = (path: string) => string;

/**
 * The path inside the data directory for one outside, of the same length in bytes:
 * `/disk2/db/t.ibd` becomes `./////db/t.ibd` with as many slashes as it takes.
 * `undefined` when the path is inside already (`./db/t.ibd`).
 * RangeError when the path is too short to be replaced.
 */
export function confinedPath(path: Uint8Array, insider: Insider): Uint8Array | undefined {
  const text = new TextDecoder().decode(path);
  if (/^\.\/[^/]+\/[^/]+$/u.test(text) && !text.startsWith('./../')) return undefined;
  const member = new TextEncoder().encode(insider(text));
  const tail = path.length - member.length;
  if (tail < 2) throw new RangeError(`${text} is too short for ./${insider(text)}`);
  const confined = new Uint8Array(path.length).fill(slash);
  confined[0] = dot;
  confined.set(member, tail);
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
  options: { nonceBytes: 0 | 8; insider: Insider },
): number {
  const end = at + length;
  const marker = end - crcBytes - options.nonceBytes - 1;
  let changed = 0;
  for (let record = at; record < marker && (window[record] ?? 0) >= 0x80;) {
    const next = recordEnd(window, record, marker);
    if (next < 0 || next > marker) break;
    for (const path of pathsOf(window, record, next)) {
      const confined = confinedPath(path, options.insider);
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
