import { closeSync, fstatSync, openSync } from 'node:fs';
import { crc32 } from '../../formats/crc.ts';
import type { MemberStore, MemberWriter } from '../archive/member-store.ts';
import { BackupError } from '../errors.ts';
import { readFully } from '../tablespace/read-fully.ts';
import type { CopyJob } from './copy/copy-messages.ts';

/** Aria rewrites the last page of its newest log in place; all before it are final. */
const pageBytes = 8192;
const pieceBytes = 1024 * 1024;

/**
 * The newest Aria log, which is being written: nearly all of it is copied before
 * commits are held off, and only what came since then while they are.
 */
export class AriaLogTail {
  readonly path: string;
  readonly #fd: number;
  readonly #member: MemberWriter;
  #copied = 0;
  #firstPage = new Uint8Array(0);

  constructor(log: CopyJob, store: MemberStore) {
    this.path = log.source;
    this.#fd = openSync(log.source, 'r');
    this.#member = store.open({ path: log.member });
  }

  /** Copies the pages that are final. */
  async copyFinalPages(): Promise<void> {
    this.#firstPage = this.#readFirstPage();
    const { size } = fstatSync(this.#fd);
    await this.#copyTo(Math.floor(size / pageBytes - 1) * pageBytes);
  }

  /**
   * Copies the rest and closes the member; commits must be held off. When the log
   * was finished meanwhile, its header changed after it was copied: then nothing
   * but another try helps.
   */
  async finish(): Promise<void> {
    if (this.#copied > 0 && Buffer.compare(this.#firstPage, this.#readFirstPage()) !== 0) {
      throw new BackupError('failed', `${this.path} was finished while it was being copied`, {
        where: { path: this.path },
        hint: 'Aria began a new log at an unlucky moment: try again',
      });
    }
    await this.#copyTo(fstatSync(this.#fd).size);
    await this.#member.close();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readFirstPage(): Uint8Array<ArrayBuffer> {
    const page = new Uint8Array(pageBytes);
    readFully(this.#fd, page, 0);
    return page;
  }

  async #copyTo(end: number): Promise<void> {
    while (this.#copied < end) {
      const piece = new Uint8Array(Math.min(pieceBytes, end - this.#copied));
      const got = readFully(this.#fd, piece, this.#copied);
      if (got < piece.length) {
        throw new BackupError('failed', `${this.path} shrank to ${this.#copied + got} bytes`);
      }
      await this.#member.write(piece, crc32(piece));
      this.#copied += got;
    }
  }
}
