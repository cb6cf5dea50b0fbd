import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, archiveName, manifestName } from '../../formats/archive-record/index.ts';
import type { BackupPlace } from '../archive/committed-archive.ts';
import { writeNewFile } from '../store/write-new-file.ts';
import type { ByteSink } from './byte-sink.ts';
import { FileSink } from './file-sink.ts';
import { StagedDirectory } from './staged-directory.ts';

/** A new or empty directory for a backup, which appears in it when it is complete. */
export class DirectoryPlace implements BackupPlace, ByteSink {
  readonly #directory: StagedDirectory;
  readonly #archive: FileSink;

  private constructor(directory: StagedDirectory, archive: FileSink) {
    this.#directory = directory;
    this.#archive = archive;
  }

  static async create(path: string): Promise<DirectoryPlace> {
    const directory = await StagedDirectory.create(path, { empty: true });
    try {
      const archive = await FileSink.create(join(directory.stage, archiveName));
      return new DirectoryPlace(directory, archive);
    } catch (error) {
      await directory.discard();
      throw error;
    }
  }

  get sink(): ByteSink {
    return this;
  }

  get name(): string {
    return this.#archive.name;
  }

  async write(buffers: Uint8Array[]): Promise<void> {
    await this.#archive.write(buffers);
  }

  async close(): Promise<void> {
    await this.#archive.close();
  }

  async objects(): Promise<Manifest['objects']> {
    return [{ name: archiveName, size: (await stat(this.#archive.name)).size }];
  }

  async commit(manifest: Uint8Array): Promise<void> {
    const path = join(this.#directory.stage, manifestName);
    await this.#directory.commit(() => writeNewFile(path, manifest));
  }

  async abort(): Promise<void> {
    await this.#directory.giveUp();
    await this.#archive.abort();
    await this.#directory.discard();
  }
}
