import type { MemberInfo, MemberStore, MemberWriter } from '../archive/member-store.ts';
import { BackupError } from '../errors.ts';
import { MemberFiles } from './member-files.ts';
import { StagedDirectory } from './staged-directory.ts';

/** A backup as plain files: `--target-dir`. */
export class DirectoryStore implements MemberStore {
  readonly #directory: StagedDirectory;
  readonly #files: MemberFiles;
  readonly #paths = new Set<string>();
  #open = 0;
  #bytesWritten = 0;

  private constructor(directory: StagedDirectory) {
    this.#directory = directory;
    this.#files = new MemberFiles(directory);
  }

  static async create(target: string): Promise<DirectoryStore> {
    return new DirectoryStore(await StagedDirectory.create(target, { empty: true }));
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  open({ path }: MemberInfo): MemberWriter {
    if (this.#paths.has(path)) throw new BackupError('failed', `${path} would be there twice`);
    this.#paths.add(path);
    this.#open += 1;
    let size = 0;
    // One after the other: the caller may close as soon as the last of its writes is done.
    let written = Promise.resolve();
    return {
      write: async (payload) => {
        const position = size;
        size += payload.length;
        written = written.then(() => this.#files.write(path, position, payload));
        await written;
        this.#bytesWritten += payload.length;
      },
      close: async () => {
        await this.#files.close(path, size);
        this.#open -= 1;
      },
    };
  }

  async finish(): Promise<void> {
    if (this.#open > 0) throw new BackupError('failed', `${this.#open} members are still open`);
    await this.#files.settle();
    await this.#directory.commit();
  }

  async abort(): Promise<void> {
    await this.#files.abandon();
    await this.#directory.discard();
  }
}
