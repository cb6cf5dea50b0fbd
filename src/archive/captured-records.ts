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
  isIndexName,
  isSealed,
  keyCheckOf,
} from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';
import { decodeWhole } from '../transform/decode-whole.ts';
import { keyWanted } from '../transform/key-wanted.ts';
import { compareIndex } from './compare-index.ts';

/** What is known of who wrote an archive: it has no seal, nobody had the key to check it, or it is right. */
export type Seal = 'none' | 'unchecked' | 'right';

/** What came in a stream, to be held against its records. */
export interface Arrived {
  members: ReadonlyMap<string, MemberEntry>;
  /** What the end record's `chunksSha256` must be. */
  chunksSha256: string;
}

/** The end of an archive. */
export interface ReadIndex {
  end: EndRecord;
  seal: Seal;
  /** Of the index. */
  path: string;
  /** What it lists; undefined when it is encrypted and there is no key. */
  members: MemberEntry[] | undefined;
}

interface Captured {
  bytes: number;
  bytesMax: number;
  pieces: Uint8Array[];
}

/** The payloads of begin record, index and end record, kept while an archive passes by. */
export class CapturedRecords {
  readonly #key: Uint8Array | undefined;
  readonly #needKey: boolean;
  readonly #captured = new Map<string, Captured>();
  #begin: BeginRecord | undefined;
  /** The begin record is complete. */
  hasBegin = false;

  /** `needKey`: refuse an encrypted archive without one. */
  constructor(options: { key?: Uint8Array | undefined; needKey?: boolean }) {
    this.#key = options.key;
    this.#needKey = options.needKey ?? false;
  }

  /** True for the members that are kept. */
  static wants(path: string): boolean {
    return path === beginName || path === endName || isIndexName(path);
  }

  /** Keeps a copy; what grows beyond what the record can be is refused before it is kept. */
  add(path: string, bytes: Uint8Array, seen: { members: number; chunks: number }): void {
    const record = this.#captured.get(path) ?? { bytes: 0, bytesMax: 0, pieces: [] };
    this.#captured.set(path, record);
    record.bytes += bytes.length;
    const limit = { [beginName]: beginBytesMax, [endName]: endBytes }[path];
    record.bytesMax = limit ?? indexBytesMax(seen.members, seen.chunks);
    if (record.bytes > record.bytesMax) {
      throw new BackupError(
        'corrupt',
        `${path} is longer than the ${record.bytesMax} bytes it can have`,
      );
    }
    record.pieces.push(Uint8Array.from(bytes));
    if (path !== beginName || bytes.at(-1) !== 0x0a) return;
    this.hasBegin = true;
    this.#checkKey();
  }

  get begin(): BeginRecord {
    this.#begin ??= decodeBegin(this.#bytes(beginName));
    return this.#begin;
  }

  /** True when the SHA-256 of each chunk is in an index that can be read. */
  get digestsAreWanted(): boolean {
    return this.begin.digests && (this.begin.encryption === undefined || this.#key !== undefined);
  }

  /** What index and end record say, proved to go with each other and with the begin record. */
  readIndex(): ReadIndex {
    const end = decodeEnd(this.#bytes(endName));
    const path = [...this.#captured.keys()].find(isIndexName) ?? '';
    const bytes = this.#bytes(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== end.indexSha256 || bytes.length !== end.indexLength) {
      throw corrupt('the index is not the one that the end record vouches for');
    }
    if (this.begin.backupId !== end.backupId) throw differentBackups();
    const seal = this.#checkSeal(end);
    return { end, seal, path, members: this.#decodeIndex(path, bytes) };
  }

  /**
   * Proves the archive whole: index and end record agree with each other, with
   * the begin record and with every member that arrived.
   */
  prove({ members: arrived, chunksSha256 }: Arrived): Omit<ReadIndex, 'path'> {
    const { end, seal, path: indexPath, members: promised } = this.readIndex();
    if (chunksSha256 !== end.chunksSha256) {
      throw corrupt('the headers of its chunks are not those that the end record vouches for');
    }
    const members = new Map(arrived);
    const placed = [
      { name: indexPath, offset: end.indexOffset },
      { name: endName, offset: end.endOffset },
    ];
    for (const { name, offset } of placed) {
      if (members.get(name)?.chunks[0] !== offset) {
        throw corrupt(`${name} is not where the end record says`);
      }
      members.delete(name);
    }
    if (promised) compareIndex(promised, members, { digests: this.begin.digests });
    requireTotals(end, members);
    return { end, seal, members: promised };
  }

  /** Before anything is decrypted: nothing but the begin record was taken by then. */
  #checkKey(): void {
    const { encryption, keyCheck, backupId } = this.begin;
    if (encryption !== undefined && this.#key === undefined && this.#needKey) {
      throw keyWanted(`the backup is encrypted with ${encryption}`);
    }
    if (keyCheck === undefined || this.#key === undefined) return;
    if (keyCheckOf(this.#key, backupId) === keyCheck) return;
    throw new BackupError('wrong-key', 'the key is not the one that this backup is encrypted with');
  }

  #checkSeal(end: EndRecord): Seal {
    if (this.begin.encryption === undefined) return 'none';
    if (end.hmac === undefined) throw corrupt('it is encrypted, but its end record has no HMAC');
    if (this.#key === undefined) return 'unchecked';
    if (isSealed(this.#key, end, this.#bytes(beginName))) return 'right';
    throw corrupt('the HMAC of its end record is wrong: its records were changed');
  }

  #decodeIndex(path: string, bytes: Uint8Array): MemberEntry[] | undefined {
    const bytesMax = this.#captured.get(path)?.bytesMax ?? 0;
    const plain = decodeWhole(path, bytes, { key: this.#key, bytesMax });
    if (!plain) return undefined;
    const { backupId, members } = decodeIndex(plain);
    if (backupId !== this.begin.backupId) throw differentBackups();
    return members;
  }

  #bytes(path: string): Uint8Array {
    return Buffer.concat(this.#captured.get(path)?.pieces ?? []);
  }
}

function requireTotals(end: EndRecord, members: ReadonlyMap<string, MemberEntry>): void {
  const payloadBytes = [...members.values()].reduce((sum, { size }) => sum + size, 0);
  if (members.size === end.members && payloadBytes === end.payloadBytes) return;
  throw corrupt(
    `the end record counts ${end.members} members of ${end.payloadBytes} bytes, ` +
      `${members.size} of ${payloadBytes} arrived`,
  );
}

function differentBackups(): BackupError {
  return corrupt('begin record, index and end record are of different backups');
}

function corrupt(message: string): BackupError {
  return new BackupError('corrupt', message);
}
