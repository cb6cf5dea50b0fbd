import {
  type BeginRecord,
  type MemberEntry,
  beginName,
  encodeBegin,
  encodeIndex,
  indexName,
} from '../../formats/archive-record/index.ts';
import type { MemberInfo, MemberStore, MemberWriter } from '../archive/member-store.ts';
import { writeMember } from '../archive/write-member.ts';
import { BackupError } from '../errors.ts';
import { MemberFiles } from './member-files.ts';
import { StagedDirectory } from './staged-directory.ts';

/**
 * A backup as plain files: `--target-dir`. Begin record and index are among them, so
 * that a file that gets lost or short later does not go unnoticed.
 */
export class DirectoryStore implements MemberStore {
  readonly #directory: StagedDirectory;
  readonly #files: MemberFiles;
  readonly #begin: BeginRecord;
  readonly #members = new Map<string, MemberEntry>();
  #open = 0;
  #bytesWritten = 0;

  private constructor(directory: StagedDirectory, begin: BeginRecord) {
    this.#directory = directory;
    this.#begin = begin;
    this.#files = new MemberFiles(directory);
  }

  static async create(target: string, begin: BeginRecord): Promise<DirectoryStore> {
    return new DirectoryStore(await StagedDirectory.create(target, { empty: true }), begin);
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  open({ path, spaceId, pageSize }: MemberInfo): MemberWriter {
    if (this.#members.has(path)) throw new BackupError('failed', `${path} would be there twice`);
    const entry: MemberEntry = { path, spaceId, pageSize, size: 0, chunks: [] };
    this.#members.set(path, entry);
    this.#open += 1;
    // One after the other: the caller may close as soon as the last of its writes is done.
    let written = Promise.resolve();
    return {
      write: async (payload) => {
        const position = entry.size;
        entry.size += payload.length;
        written = written.then(() => this.#files.write(path, position, payload));
        await written;
        this.#bytesWritten += payload.length;
      },
      close: async (_, delta) => {
        if (delta) entry.delta = delta;
        await this.#files.close(path, entry.size);
        this.#open -= 1;
      },
    };
  }

  async finish(): Promise<void> {
    if (this.#open > 0) throw new BackupError('failed', `${this.#open} members are still open`);
    const members = [...this.#members.values()];
    const index = Buffer.concat([...encodeIndex(this.#begin.backupId, members)]);
    await this.#directory.commit(async () => {
      await writeMember(this, beginName, encodeBegin(this.#begin));
      await writeMember(this, indexName, index);
      await this.#files.settle();
    });
  }

  async abort(): Promise<void> {
    await this.#directory.giveUp();
    await this.#files.abandon();
    await this.#directory.discard();
  }
}
