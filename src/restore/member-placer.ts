import { commonNames, metadataBytesMax, metadataRole } from '../../formats/metadata/index.ts';
import type { ChunkEvent, SparseRun } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import { type DecodedPath, type Decoding, decodedPath } from '../transform/member-decoder.ts';
import { encryptionSuffix } from '../transform/encoding.ts';
import { keyWanted } from '../transform/key-wanted.ts';
import type { DecodePool, DecodedMember } from './decode/decode-pool.ts';
import type { MemberOutput } from './member-output.ts';

/** 2^32 pages of 64 KiB. */
const tablespaceBytesMax = 2 ** 48;
/** Each has a decoder with its window; a backup has one a copy thread. */
const decodedOpenMax = 256;

export interface PlacerOptions {
  decoding: Decoding;
  /** Refuse a member that would stay encrypted. */
  needKey: boolean;
  onMember?: ((path: string) => void) | undefined;
}

/** Turns the events of an archive into writes; holes of sparse chunks stay holes. */
export class MemberPlacer {
  readonly #output: MemberOutput;
  readonly #pool: DecodePool;
  readonly #options: PlacerOptions;
  /** Size so far of every open member that is written as it comes. */
  readonly #sizes = new Map<string, number>();
  /** Open members that are decoded. */
  readonly #decoded = new Map<string, DecodedMember>();
  #path = '';
  #runs: SparseRun[] = [];

  constructor(output: MemberOutput, pool: DecodePool, options: PlacerOptions) {
    this.#output = output;
    this.#pool = pool;
    this.#options = options;
  }

  async take(event: ChunkEvent): Promise<void> {
    switch (event.kind) {
      case 'payload':
        this.#start(event.path, [{ skip: 0, length: event.length }]);
        break;
      case 'sparse':
        this.#refuseHoles(event.path);
        this.#start(event.path, event.map);
        break;
      case 'data':
        await this.#data(event.bytes);
        break;
      case 'seek':
        this.#refuseHoles(event.path);
        this.#sizes.set(event.path, event.fileOffset);
        break;
      case 'end':
        await this.#end(event.path);
        break;
      case 'rename':
        await this.#pool.settle();
        await this.#output.rename(this.#plain(event.path).path, this.#plain(event.newPath).path);
        break;
      case 'remove':
        await this.#pool.settle();
        await this.#output.remove(this.#plain(event.path).path);
        break;
      case 'checked':
        this.#skipHoles();
        break;
      case 'ignored':
        break;
    }
  }

  /** Ends the members that an archive leaves open, where that is allowed. */
  async endAll(): Promise<void> {
    for (const path of [...this.#decoded.keys(), ...this.#sizes.keys()]) await this.#end(path);
  }

  #plain(path: string): DecodedPath {
    return decodedPath(path, this.#options.decoding);
  }

  /** Holes are of files as they are; no writer has them in what it compressed or encrypted. */
  #refuseHoles(path: string): void {
    if (this.#plain(path).suffixes.length === 0) return;
    throw corrupt(path, 'a sparse or seek chunk in an encoded member');
  }

  #start(path: string, map: readonly SparseRun[]): void {
    this.#path = path;
    this.#runs = map.map((run) => ({ ...run }));
    this.#openDecoded(path);
  }

  /** The member's decoder, where it is to be decoded. */
  #openDecoded(path: string): DecodedMember | undefined {
    const open = this.#decoded.get(path);
    if (open) return open;
    const { path: plainPath, suffixes } = this.#plain(path);
    if (this.#options.needKey && plainPath.endsWith(encryptionSuffix))
      throw keyWanted(`${path} is encrypted`);
    if (suffixes.length === 0) return undefined;
    if (this.#decoded.size >= decodedOpenMax) {
      throw corrupt(path, `more than ${decodedOpenMax} encoded members are open at once`);
    }
    const sizeMax = plainBytesMax(plainPath);
    let size = 0;
    const member = this.#pool.open(path, suffixes, {
      write: async (bytes) => {
        if (size + bytes.length > sizeMax) {
          throw corrupt(path, `it decodes to more than the ${sizeMax} bytes it can have`);
        }
        await this.#output.write(plainPath, size, bytes);
        size += bytes.length;
      },
      end: async () => {
        await this.#output.close(plainPath, size);
        this.#options.onMember?.(plainPath);
      },
    });
    this.#decoded.set(path, member);
    return member;
  }

  async #data(bytes: Uint8Array): Promise<void> {
    const decoded = this.#decoded.get(this.#path);
    if (decoded) {
      await decoded.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length;) {
      this.#skipHoles();
      const run = this.#runs[0];
      if (!run) return;
      const length = Math.min(run.length, bytes.length - at);
      const position = this.#sizes.get(this.#path) ?? 0;
      await this.#output.write(this.#path, position, bytes.subarray(at, at + length));
      this.#sizes.set(this.#path, position + length);
      this.#runs[0] = { skip: 0, length: run.length - length };
      at += length;
    }
  }

  async #end(path: string): Promise<void> {
    const decoded = this.#openDecoded(path);
    if (decoded) {
      decoded.end();
      this.#decoded.delete(path);
      return;
    }
    await this.#output.close(path, this.#sizes.get(path) ?? 0);
    this.#sizes.delete(path);
    this.#options.onMember?.(path);
  }

  /** Moves over the holes that come before the next byte of payload, or the end of the chunk. */
  #skipHoles(): void {
    while (this.#runs[0] && !this.#decoded.has(this.#path)) {
      const { skip, length } = this.#runs[0];
      this.#sizes.set(this.#path, (this.#sizes.get(this.#path) ?? 0) + skip);
      if (length > 0) {
        this.#runs[0] = { skip: 0, length };
        return;
      }
      this.#runs.shift();
    }
  }
}

/** The longest file that a member can be: a text file of the backup, or the largest tablespace. */
function plainBytesMax(path: string): number {
  const isText = metadataRole(path) !== undefined || path === commonNames.backupMyCnf;
  return isText ? metadataBytesMax : tablespaceBytesMax;
}

function corrupt(path: string, fault: string): BackupError {
  return new BackupError('corrupt', `${path}: ${fault}`, { where: { path } });
}
