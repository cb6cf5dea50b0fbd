import { closeSync, fstatSync, openSync } from 'node:fs';
import { crc32 } from '../../formats/crc.ts';
import type { MemberWriter, Members } from '../archive/member-store.ts';
import { BackupError } from '../errors.ts';
import { readFully } from '../tablespace/read-fully.ts';
import type { CopyJob } from './copy/copy-messages.ts';
import { SpillQueue } from './spill-queue.ts';

const pieceBytes = 1024 * 1024;
const memoryBytesMax = 4 * 1024 * 1024;

/** A file that the server writes until commits are held off. */
export interface LateFile extends CopyJob {
  /**
   * Bytes at the end that the server may still write again; all before them are final
   * and copied ahead. Undefined when any byte may change.
   */
  unsettledBytes?: number | undefined;
}

/**
 * Copies a file in three steps: what is final `ahead`, the rest into a spool while
 * commits are held off, and the spool into the store when they go on. A sink that
 * stalls must never hold commits.
 */
export class HeldFile {
  readonly #job: LateFile;
  readonly #fd: number;
  readonly #member: MemberWriter;
  readonly #spool: SpillQueue;
  /** Start of the file as it was copied ahead: a log's header tells whether it was finished since. */
  #head = new Uint8Array(0);
  #taken = 0;

  constructor(job: LateFile, store: Members, spoolDirectory: string) {
    this.#job = job;
    this.#fd = openSync(job.source, 'r');
    this.#member = store.open({ path: job.member });
    this.#spool = new SpillQueue(spoolDirectory, memoryBytesMax);
  }

  get member(): string {
    return this.#job.member;
  }

  /** Copies what is final already. */
  async ahead(): Promise<void> {
    const { unsettledBytes } = this.#job;
    if (unsettledBytes === undefined) return;
    const end = fstatSync(this.#fd).size - unsettledBytes;
    this.#head = this.#readHead(unsettledBytes);
    while (this.#taken < end) await this.#write(this.#read(end));
  }

  /** Reads the rest; commits must be held off. Waits for nothing but the disk. */
  hold(): void {
    const now = this.#readHead(this.#head.length);
    if (this.#taken > 0 && Buffer.compare(this.#head, now) !== 0) {
      throw new BackupError('failed', `${this.#job.source} was finished while it was copied`, {
        where: { path: this.#job.source },
        hint: 'the server began a new log at an unlucky moment: try again',
      });
    }
    const end = fstatSync(this.#fd).size;
    while (this.#taken < end) this.#spool.push(this.#read(end));
  }

  /** Writes what was held and closes the member. */
  async release(): Promise<void> {
    for (let piece = this.#spool.shift(); piece; piece = this.#spool.shift()) {
      await this.#write(piece);
    }
    await this.#member.close();
  }

  close(): void {
    this.#spool.close();
    closeSync(this.#fd);
  }

  #readHead(length: number): Uint8Array<ArrayBuffer> {
    const head = new Uint8Array(length);
    return head.subarray(0, readFully(this.#fd, head, 0));
  }

  #read(end: number): Uint8Array<ArrayBuffer> {
    const piece = new Uint8Array(Math.min(pieceBytes, end - this.#taken));
    const got = readFully(this.#fd, piece, this.#taken);
    if (got < piece.length) {
      throw new BackupError('failed', `${this.#job.source} shrank to ${this.#taken + got} bytes`, {
        where: { path: this.#job.source, offset: this.#taken + got },
      });
    }
    this.#taken += got;
    return piece;
  }

  async #write(piece: Uint8Array): Promise<void> {
    await this.#member.write(piece, crc32(piece));
  }
}
