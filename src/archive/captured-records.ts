import { createHash } from 'node:crypto';
import {
  type BeginRecord,
  type EndRecord,
  type MemberEntry,
  beginBytesMax,
  beginName,
  decodeBegin,
  decodeEnd,
  decodeIndex,
  endBytes,
  endName,
  indexBytesMax,
  indexName,
} from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';
import { compareIndex } from './compare-index.ts';

/** The payloads of begin record, index and end record, kept while an archive passes by. */
export class CapturedRecords {
  readonly #pieces = new Map<string, { bytes: number; pieces: Uint8Array[] }>();

  /** True for the members that are kept. */
  static wants(path: string): boolean {
    return path === beginName || path === indexName || path === endName;
  }

  /** Keeps a copy; what grows beyond what the record can be is refused before it is kept. */
  add(path: string, bytes: Uint8Array, seen: { members: number; chunks: number }): void {
    const record = this.#pieces.get(path) ?? { bytes: 0, pieces: [] };
    this.#pieces.set(path, record);
    record.bytes += bytes.length;
    const limit = { [beginName]: beginBytesMax, [endName]: endBytes }[path];
    const bytesMax = limit ?? indexBytesMax(seen.members, seen.chunks);
    if (record.bytes > bytesMax) {
      throw new BackupError('corrupt', `${path} is longer than the ${bytesMax} bytes it can have`);
    }
    record.pieces.push(Uint8Array.from(bytes));
  }

  begin(): BeginRecord {
    return decodeBegin(this.#bytes(beginName));
  }

  /**
   * Proves the archive whole: index and end record agree with each other, with
   * the begin record and with every member that arrived.
   */
  prove(arrived: ReadonlyMap<string, MemberEntry>): { begin: BeginRecord; end: EndRecord } {
    const begin = this.begin();
    const end = decodeEnd(this.#bytes(endName));
    const indexBytes = this.#bytes(indexName);
    const sha256 = createHash('sha256').update(indexBytes).digest('hex');
    if (sha256 !== end.indexSha256 || indexBytes.length !== end.indexLength) {
      throw new BackupError('corrupt', 'the index is not the one that the end record vouches for');
    }
    const index = decodeIndex(indexBytes);
    if (begin.backupId !== end.backupId || index.backupId !== begin.backupId) {
      throw new BackupError(
        'corrupt',
        'begin record, index and end record are of different backups',
      );
    }
    const members = new Map(arrived);
    const placed = [
      { name: indexName, offset: end.indexOffset },
      { name: endName, offset: end.endOffset },
    ];
    for (const { name, offset } of placed) {
      if (members.get(name)?.chunks[0] !== offset) {
        throw new BackupError('corrupt', `${name} is not where the end record says`);
      }
      members.delete(name);
    }
    compareIndex(index.members, members);
    requireTotals(end, members);
    return { begin, end };
  }

  #bytes(path: string): Uint8Array {
    return Buffer.concat(this.#pieces.get(path)?.pieces ?? []);
  }
}

function requireTotals(end: EndRecord, members: ReadonlyMap<string, MemberEntry>): void {
  const payloadBytes = [...members.values()].reduce((sum, { size }) => sum + size, 0);
  if (members.size === end.members && payloadBytes === end.payloadBytes) return;
  throw new BackupError(
    'corrupt',
    `the end record counts ${end.members} members of ${end.payloadBytes} bytes, ` +
      `${members.size} of ${payloadBytes} arrived`,
  );
}
