import {
  type BeginRecord,
  type Manifest,
  encodeManifest,
} from '../../formats/archive-record/index.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
import type { Encoding } from '../transform/encoding.ts';
import { ArchiveWriter } from './archive-writer.ts';
import type { EndPosition, MemberInfo, MemberStore, MemberWriter } from './member-store.ts';

/** A place where a backup comes to be: the objects of its archive and, last, its manifest. */
export interface BackupPlace {
  /** Where the archive goes. When it is aborted, nothing is left of the backup. */
  readonly sink: ByteSink;
  /** What the archive consists of, once the sink is closed. */
  objects(): Promise<Manifest['objects']>;
  /** Writes the manifest: from then on there is a backup. */
  commit(manifest: Uint8Array): Promise<void>;
}

/** A backup in a place of its own: `archive.xbs` and, written last, `manifest.json`. */
export class CommittedArchive implements MemberStore {
  readonly #place: BackupPlace;
  readonly #archive: ArchiveWriter;
  readonly #begin: BeginRecord;

  private constructor(place: BackupPlace, archive: ArchiveWriter, begin: BeginRecord) {
    this.#place = place;
    this.#archive = archive;
    this.#begin = begin;
  }

  static async create(
    place: BackupPlace,
    begin: BeginRecord,
    encoding?: Encoding,
  ): Promise<CommittedArchive> {
    try {
      const archive = await ArchiveWriter.begin(place.sink, begin, encoding);
      return new CommittedArchive(place, archive, begin);
    } catch (error) {
      await place.sink.abort();
      throw error;
    }
  }

  get bytesWritten(): number {
    return this.#archive.bytesWritten;
  }

  open(info: MemberInfo): MemberWriter {
    return this.#archive.open(info);
  }

  async finish({ toLsn, lastLsn, binlog }: EndPosition): Promise<void> {
    const { keyCheck: _, digests: __, ...begin } = this.#begin;
    const { totals } = this.#archive;
    await this.#archive.finish();
    const objects = await this.#place.objects();
    const finishedAt = new Date().toISOString();
    const position = { toLsn, lastLsn, binlog };
    const manifest = { ...begin, ...position, finishedAt, ...totals, objects };
    await this.#place.commit(encodeManifest(manifest));
  }

  async abort(): Promise<void> {
    await this.#archive.abort();
  }
}
