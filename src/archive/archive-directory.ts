import { open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BeginRecord,
  archiveName,
  encodeManifest,
  manifestName,
} from '../../formats/archive-record/index.ts';
import { toBackupError } from '../errors.ts';
import { FileSink } from '../sink/file-sink.ts';
import { StagedDirectory } from '../sink/staged-directory.ts';
import type { Encoding } from '../transform/encoding.ts';
import { ArchiveWriter } from './archive-writer.ts';
import type { MemberInfo, MemberStore, MemberWriter } from './member-store.ts';

/**
 * A backup as a directory: `archive.xbs` and, written last, `manifest.json`. It
 * appears in its directory only when both are complete.
 */
export class ArchiveDirectory implements MemberStore {
  readonly #directory: StagedDirectory;
  readonly #archive: ArchiveWriter;
  readonly #begin: BeginRecord;

  private constructor(directory: StagedDirectory, archive: ArchiveWriter, begin: BeginRecord) {
    this.#directory = directory;
    this.#archive = archive;
    this.#begin = begin;
  }

  static async create(
    path: string,
    begin: BeginRecord,
    encoding?: Encoding,
  ): Promise<ArchiveDirectory> {
    const directory = await StagedDirectory.create(path, { empty: true });
    try {
      const sink = await FileSink.create(join(directory.stage, archiveName));
      const archive = await ArchiveWriter.begin(sink, begin, encoding);
      return new ArchiveDirectory(directory, archive, begin);
    } catch (error) {
      await directory.discard();
      throw error;
    }
  }

  get bytesWritten(): number {
    return this.#archive.bytesWritten;
  }

  open(info: MemberInfo): MemberWriter {
    return this.#archive.open(info);
  }

  async finish(): Promise<void> {
    await this.#archive.finish();
    try {
      await this.#writeManifest();
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
    await this.#directory.commit();
  }

  async abort(): Promise<void> {
    await this.#archive.abort();
    await this.#directory.discard();
  }

  async #writeManifest(): Promise<void> {
    const { backupId, flavour, serverVersion, redoStart, startedAt } = this.#begin;
    const { size } = await stat(join(this.#directory.stage, archiveName));
    const manifest = encodeManifest({
      backupId,
      flavour,
      serverVersion,
      redoStart,
      startedAt,
      finishedAt: new Date().toISOString(),
      objects: [{ name: archiveName, size }],
    });
    const path = join(this.#directory.stage, manifestName);
    await writeFile(path, manifest, { flag: 'wx', mode: 0o640 });
    const handle = await open(path, 'r+');
    await handle.sync();
    await handle.close();
  }
}
