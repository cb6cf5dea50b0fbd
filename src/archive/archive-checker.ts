import { type Hash, createHash } from 'node:crypto';
import {
  type BeginRecord,
  type MemberEntry,
  beginName,
  endName,
  isIndexName,
} from '../../formats/archive-record/index.ts';
import {
  ChunkDecoder,
  type ChunkEvent,
  type ChunkHead,
  type PayloadHead,
  encodeEnd,
  encodePayloadHeader,
} from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import { CapturedRecords, type Seal } from './captured-records.ts';
import { compareIndex } from './compare-index.ts';
import { listedEntry, noteHeader } from './foreign-entry.ts';
import { safeMemberPath } from './member-path.ts';

/** A backup by a stock tool has these; without them a cut at a chunk edge would go unseen. */
const stockEndings = [
  ['xtrabackup_checkpoints', 'mariadb_backup_checkpoints'],
  ['xtrabackup_info', 'mariadb_backup_info'],
];

const noDigests = { digests: false };

export interface CheckerOptions {
  /** Also accept archives that are no backup; then only open members betray a cut. */
  anyArchive?: boolean;
  /** Of an encrypted backup, to check who wrote it. */
  key?: Uint8Array | undefined;
  /** Refuse an encrypted backup when there is no key. */
  needKey?: boolean;
  /** Note the members of an archive of another tool as an index lists them. */
  listing?: boolean | undefined;
  /** What an archive of another tool must consist of, as an index beside it says. */
  promised?: readonly MemberEntry[] | undefined;
  /** Hears of an archive that stops too early between two chunks; without it, that is refused. */
  onCut?: ((fault: BackupError) => void) | undefined;
}

type HeadEvent = Exclude<ChunkEvent, { kind: 'data' | 'checked' }>;

export interface ArchiveSummary {
  /** The begin record of an archive that xbpipe wrote; undefined for other archives. */
  begin: BeginRecord | undefined;
  /** What is known of who wrote it. */
  seal: Seal;
  members: number;
  payloadBytes: number;
  /** The members of an archive of another tool, where they were to be noted. */
  listed?: MemberEntry[];
  /** What the index of an archive of ours lists, unless it is encrypted and there is no key. */
  index?: MemberEntry[] | undefined;
}

/**
 * The one place that judges an archive: feed it every byte, take the events it
 * lets pass, and believe nothing before `end` returned. It knows archives of
 * xbpipe (which prove themselves whole) and those of xbstream and mbstream
 * (where every member must be closed and the closing files of a backup present).
 */
export class ArchiveChecker {
  readonly #decoder = new ChunkDecoder();
  readonly #open = new Map<string, MemberEntry>();
  readonly #done = new Map<string, MemberEntry>();
  readonly #records: CapturedRecords;
  readonly #headers = createHash('sha256');
  /** Of the payload at hand, in an archive whose index has digests. */
  #digest: Hash | undefined;
  #digested: MemberEntry | undefined;
  readonly #anyArchive: boolean;
  readonly #onCut: CheckerOptions['onCut'];
  readonly #listing: boolean;
  readonly #promised: CheckerOptions['promised'];
  /** Begins with our begin record; undefined before the first chunk. */
  #own: boolean | undefined;
  /** The index is complete. */
  #indexed = false;
  #capturing: string | undefined;
  /** The path of the chunk at hand as it stands. */
  #spelled = '';
  #chunks = 0;
  #payloadBytes = 0;

  constructor(options: CheckerOptions = {}) {
    this.#anyArchive = options.anyArchive ?? false;
    this.#onCut = options.onCut;
    this.#promised = options.promised;
    this.#listing = options.listing ?? options.promised !== undefined;
    this.#records = new CapturedRecords(options);
  }

  /** The begin record of an archive of ours, as soon as its last byte came. */
  get begin(): BeginRecord | undefined {
    return this.#records.hasBegin ? this.#records.begin : undefined;
  }

  /** Judges the next bytes of the archive; the events' data are views of `bytes`. */
  *push(bytes: Uint8Array): Generator<ChunkEvent> {
    this.#decoder.push(bytes);
    for (let event = this.#decoder.next(); event; event = this.#decoder.next()) {
      if (event.kind === 'data') {
        this.#data(event.bytes);
        yield event;
      } else if (event.kind === 'checked') {
        this.#checked();
        yield event;
      } else {
        const safe = withSafePaths(event);
        this.#spelled = event.path;
        this.#order(safe);
        if (this.#own === true && safe.path !== event.path) {
          throw corrupt(`${safe.path} at byte ${safe.archiveOffset} is not named as we write it`);
        }
        yield safe;
      }
    }
  }

  /** The end of the stream: returns only when the archive is whole. */
  end(): ArchiveSummary {
    this.#decoder.end();
    try {
      return this.#prove();
    } catch (error) {
      const isCut = error instanceof BackupError && error.code === 'incomplete';
      if (!this.#onCut || !isCut) throw error;
      this.#onCut(error);
      return this.#unproved();
    }
  }

  #prove(): ArchiveSummary {
    const [unclosed] = this.#open.keys();
    if (unclosed !== undefined) {
      throw incomplete(`it ends while ${unclosed} is open (${this.#open.size} members in all)`);
    }
    if (this.#own === undefined) throw incomplete('it is empty');
    if (this.#own) {
      if (this.#promised) throw corrupt('it is not the one that the index beside it was made of');
      if (!this.#done.has(endName)) throw incomplete('it has no end record');
      const chunksSha256 = this.#headers.digest('hex');
      const {
        end,
        seal,
        members: index,
      } = this.#records.prove({ members: this.#done, chunksSha256 });
      const { members, payloadBytes } = end;
      return { begin: this.#records.begin, seal, members, payloadBytes, index };
    }
    if (!this.#anyArchive) this.#requireStockEndings();
    const summary = this.#unproved();
    if (!this.#listing) return summary;
    const listed = [...this.#done].map(([path, member]) => listedEntry(path, member));
    if (this.#promised)
      compareIndex(this.#promised, new Map(listed.map((entry) => [entry.path, entry])), noDigests);
    return { ...summary, listed };
  }

  #unproved(): ArchiveSummary {
    const { size: members } = this.#done;
    return { begin: undefined, seal: 'none', members, payloadBytes: this.#payloadBytes };
  }

  #order(event: HeadEvent): void {
    const { path } = event;
    this.#own ??= path === beginName;
    this.#refuseFlags(event);
    if (this.#own) this.#orderOfRecords(event);
    else if (!this.#anyArchive) refuseRecord(event);
    this.#capturing = undefined;
    switch (event.kind) {
      case 'payload':
        this.#payload(event, event.fileOffset + event.length);
        break;
      case 'sparse': {
        const span = event.map.reduce((sum, run) => sum + run.skip + run.length, 0);
        this.#payload(event, event.fileOffset + span);
        break;
      }
      case 'seek':
        this.#member(event).size = event.fileOffset;
        break;
      case 'end':
        this.#end(event);
        break;
      case 'rename':
        this.#moved(event, event.newPath);
        break;
      case 'remove':
        this.#moved(event, undefined);
        break;
      case 'ignored':
        break;
    }
  }

  /** No writer sets any, and nothing else covers them: a flag is a flipped bit. */
  #refuseFlags({ kind, path, flags, archiveOffset }: HeadEvent): void {
    if (kind === 'ignored' || flags === 0) return;
    throw corrupt(`${path}: chunk at byte ${archiveOffset} has flags ${flags}, which nobody sets`);
  }

  /** What only our own archives promise: no foreign chunk types, and the order of the records. */
  #orderOfRecords(event: HeadEvent): void {
    const { path } = event;
    const at = `at byte ${event.archiveOffset}`;
    if (event.kind !== 'payload' && event.kind !== 'end') {
      throw corrupt(`a ${event.kind} chunk ${at} does not belong in it`);
    }
    if (path !== beginName && !this.#done.has(beginName)) {
      throw corrupt(`${path} ${at} comes before the begin record is complete`);
    }
    if (this.#done.has(endName)) throw corrupt(`${path} ${at} comes after the end record`);
    if (path === beginName) return;
    if (path !== endName && this.#indexed) {
      throw corrupt(`${path} ${at} comes after the index`);
    }
    const closing = isIndexName(path) || path === endName;
    const [unclosed] = [...this.#open.keys()].filter((open) => open !== path).slice(0, 1);
    if (closing && unclosed !== undefined) {
      throw incomplete(`${unclosed} is not closed before ${path} ${at}`);
    }
  }

  #payload(head: PayloadHead, next: number): void {
    const { path } = head;
    const member = this.#member(head);
    if (head.fileOffset !== member.size) {
      throw corrupt(
        `${path}: chunk at byte ${head.archiveOffset} is for file offset ${head.fileOffset}, ` +
          `${member.size} was expected: a chunk is missing, doubled or out of order`,
      );
    }
    if (this.#own || this.#listing) {
      const { archiveOffset, length, fileOffset, crc } = head;
      member.chunks.push(archiveOffset, length, fileOffset, crc);
    }
    if (this.#listing) noteHeader(member, head, this.#spelled);
    if (this.#own) {
      const { length, fileOffset, crc } = head;
      if (path !== endName)
        this.#headers.update(encodePayloadHeader(path, fileOffset, length, crc));
      if (CapturedRecords.wants(path)) this.#capturing = path;
      if (path === beginName || this.#records.digestsAreWanted) this.#startDigest(member);
    }
    member.size = next;
    this.#chunks += 1;
    this.#payloadBytes += head.length;
  }

  #end(event: ChunkHead): void {
    const { path } = event;
    const member = this.#member(event);
    // Nothing else repeats the name of an empty member for who cannot read the index.
    if (this.#own && member.chunks.length === 0) this.#headers.update(encodeEnd(path));
    this.#done.set(path, member);
    this.#open.delete(path);
    if (this.#own) this.#indexed ||= isIndexName(path);
  }

  #data(bytes: Uint8Array): void {
    this.#digest?.update(bytes);
    if (this.#capturing === undefined) return;
    const seen = { members: this.#done.size, chunks: this.#chunks };
    this.#records.add(this.#capturing, bytes, seen);
  }

  #startDigest(member: MemberEntry): void {
    this.#digest = createHash('sha256');
    this.#digested = member;
  }

  /** A payload is complete and its CRC right. */
  #checked(): void {
    if (this.#digest && this.#digested) {
      (this.#digested.digests ??= []).push(this.#digest.digest('hex'));
    }
    this.#digest = undefined;
  }

  #member({ path, archiveOffset }: ChunkHead): MemberEntry {
    const open = this.#open.get(path);
    if (open) return open;
    if (this.#done.has(path)) {
      throw corrupt(`${path} at byte ${archiveOffset} is there a second time`);
    }
    const member: MemberEntry = { path, size: 0, chunks: [] };
    this.#open.set(path, member);
    return member;
  }

  /** MariaDB renames and removes members that it sent before; what it never sent is no loss. */
  #moved({ path, archiveOffset }: ChunkHead, newPath: string | undefined): void {
    if (this.#open.has(path) || (newPath !== undefined && this.#open.has(newPath))) {
      throw corrupt(`${path} at byte ${archiveOffset} is renamed or removed while it is open`);
    }
    const member = this.#done.get(path);
    this.#done.delete(path);
    if (member && newPath !== undefined) this.#done.set(newPath, member);
  }

  #requireStockEndings(): void {
    for (const names of stockEndings) {
      if (!names.some((name) => this.#hasSome(name))) {
        throw incomplete(`neither ${names.join(' nor ')} is in it`, {
          hint: 'an archive that is no backup is extracted with --any-archive',
        });
      }
    }
  }

  /** Stock tools compress and encrypt members one by one: `xtrabackup_info.zst.xbcrypt`. */
  #hasSome(name: string): boolean {
    return ['.qp', '.lz4', '.zst', ''].some((packed) =>
      ['', '.xbcrypt'].some((locked) => (this.#done.get(name + packed + locked)?.size ?? 0) > 0),
    );
  }
}

/** An archive of ours that lost its front must not pass by the weaker rules for others. */
function refuseRecord({ path, archiveOffset }: HeadEvent): void {
  if (!CapturedRecords.wants(path)) return;
  throw corrupt(
    `${path} at byte ${archiveOffset} is there, but the archive does not begin with ${beginName}`,
  );
}

function withSafePaths(event: HeadEvent): HeadEvent {
  const path = safeMemberPath(event.path, event.archiveOffset);
  if (event.kind !== 'rename') return { ...event, path };
  return { ...event, path, newPath: safeMemberPath(event.newPath, event.archiveOffset) };
}

function incomplete(message: string, options: { hint?: string } = {}): BackupError {
  return new BackupError('incomplete', `the archive is not whole: ${message}`, options);
}

function corrupt(message: string): BackupError {
  return new BackupError('corrupt', `the archive is damaged: ${message}`);
}
