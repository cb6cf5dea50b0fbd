import { type Manifest, archiveNameOf, manifestName } from '../../formats/archive-record/index.ts';
import type { BackupPlace } from '../archive/committed-archive.ts';
import { BackupError } from '../errors.ts';
import { alreadyThere } from '../store/already-there.ts';
import { holdsBytes } from '../store/holds-bytes.ts';
import type { UploadStore } from '../store/object-store.ts';
import type { ByteSink } from './byte-sink.ts';
import { ObjectSink, type ObjectSinkOptions } from './object-sink.ts';

/** A new backup in a bucket. */
export class BucketPlace implements BackupPlace, ByteSink {
  readonly #store: UploadStore;
  readonly #archive: ObjectSink;
  readonly #warn: ObjectSinkOptions['warn'];
  readonly #giveUp = new AbortController();
  /** Set as soon as the manifest may be in the bucket. */
  #manifest: Uint8Array | undefined;
  #committing: Promise<void> | undefined;

  private constructor(store: UploadStore, options: ObjectSinkOptions) {
    this.#store = store;
    this.#archive = new ObjectSink(store, archiveNameOf, options);
    this.#warn = options.warn;
  }

  /** `store` is what lies below the backup's own name. */
  static async create(
    store: UploadStore,
    options: ObjectSinkOptions,
    signal?: AbortSignal,
  ): Promise<BucketPlace> {
    await refuseUsed(store, signal);
    return new BucketPlace(store, options);
  }

  get sink(): ByteSink {
    return this;
  }

  get name(): string {
    return this.#store.urlOf('');
  }

  async write(buffers: Uint8Array[]): Promise<void> {
    await this.#archive.write(buffers);
  }

  async close(): Promise<void> {
    await this.#archive.close();
  }

  async objects(): Promise<Manifest['objects']> {
    return (await this.#archive.objects()).map(({ key, size }) => ({ name: key, size }));
  }

  async commit(manifest: Uint8Array): Promise<void> {
    // Who gave up meanwhile is about to remove the archive.
    this.#giveUp.signal.throwIfAborted();
    this.#manifest = manifest;
    this.#committing = this.#store.put(manifestName, manifest, this.#giveUp.signal);
    await this.#committing;
  }

  /** First the manifest, whose answer may have been lost: it never stands without its archive. */
  async abort(): Promise<void> {
    this.#giveUp.abort(new BackupError('failed', 'the backup was given up'));
    // One that is still on its way would stand there without its archive.
    await this.#committing?.catch(() => undefined);
    try {
      const manifest = this.#manifest;
      if (manifest && (await holdsBytes(this.#store, manifestName, manifest))) {
        await this.#store.delete([manifestName]);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#warn(`whether ${this.name} is a backup is not known, all of it is left: ${reason}`);
      return;
    }
    await this.#archive.abort();
  }
}

/** Whether a backup may be written: nothing has its name, and the store lets us write. */
export async function probeBucketPlace(store: UploadStore): Promise<void> {
  await refuseUsed(store);
  await store.probe(archiveNameOf(1));
}

/** Nothing is ever overwritten: nor what a backup that died left, somebody may look for it. */
async function refuseUsed(store: UploadStore, signal?: AbortSignal): Promise<void> {
  for await (const { key } of store.list('', signal)) {
    throw alreadyThere(
      store.urlOf(key),
      'choose a new name for the backup; `xbpipe list --orphans` shows what backups that died left',
    );
  }
}
