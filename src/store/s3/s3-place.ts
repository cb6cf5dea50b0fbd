import {
  AbortMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { BackupError } from '../../errors.ts';
import type { RetryPolicy } from '../retry.ts';
import type { ObjectFacts, OpenUpload } from '../object-store.ts';
import { unquoted } from './s3-checksum.ts';
import { S3Connection } from './s3-connection.ts';
import { isElsewhere } from './s3-environment.ts';
import { isMissing, isNotImplemented, s3CodeOf } from './s3-failure.ts';
import { customerKey } from './s3-headers.ts';
import type { S3Checksum, S3Settings } from './s3-settings.ts';

/** A bucket below a prefix: what its store and its uploads have in common. */
export class S3Place {
  readonly settings: S3Settings;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #connection: S3Connection;

  /** `prefix`: empty, or ends in a slash. */
  constructor(
    { bucket, prefix }: { bucket: string; prefix: string },
    settings: S3Settings,
    onRetry: RetryPolicy['onRetry'],
  ) {
    this.settings = settings;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#connection = new S3Connection(settings, onRetry);
  }

  get checksum(): S3Checksum {
    return (
      this.settings.checksum ?? (isElsewhere(this.settings.endpoint, process.env) ? 'md5' : 'crc32')
    );
  }

  urlOf(key: string): string {
    return `s3://${this.#bucket}/${this.#prefix}${key}`;
  }

  /** What names an object in a request. */
  target(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /** What names all objects whose keys begin with `prefix`. */
  targets(prefix: string): { Bucket: string; Prefix: string } {
    return { Bucket: this.#bucket, Prefix: this.#prefix + prefix };
  }

  /** The key below this place of an object that the store names. */
  keyOf(name: string | undefined): string {
    return (name ?? '').slice(this.#prefix.length);
  }

  /** Requests about an object, tried again where that may help. */
  async run<T>(
    key: string,
    request: (client: S3Client) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return await this.#connection.run(this.urlOf(key), request, signal);
  }

  async head(key: string): Promise<ObjectFacts | undefined> {
    const input = { ...this.target(key), ...customerKey(this.settings.encryption) };
    return await this.run(key, async (client) => {
      try {
        const { ContentLength = 0, ETag } = await client.send(new HeadObjectCommand(input));
        return { size: ContentLength, etag: unquoted(ETag) };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async openUploads(prefix: string): Promise<OpenUpload[] | undefined> {
    const found: OpenUpload[] = [];
    let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (marker) {
      const input: object = marker;
      const page = await this.run(prefix, async (client) => {
        const command = new ListMultipartUploadsCommand({ ...this.targets(prefix), ...input });
        return await client.send(command).catch((error: unknown) => {
          if (isNotImplemented(error)) return undefined;
          throw error;
        });
      });
      if (!page) return undefined;
      for (const { Key, UploadId = '', Initiated = new Date(0) } of page.Uploads ?? []) {
        const key = this.keyOf(Key);
        const parts = await this.#parts(key, UploadId, Initiated);
        if (parts === 'unknown') return undefined;
        if (parts !== 'gone') found.push({ key, id: UploadId, ...parts });
      }
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
      marker =
        IsTruncated === true && NextKeyMarker !== undefined
          ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker ?? '' }
          : undefined;
    }
    return found;
  }

  async abortUpload(key: string, UploadId: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.target(key), UploadId });
    await this.run(key, async (client) => {
      await client.send(command).catch((error: unknown) => {
        if (s3CodeOf(error) !== 'NoSuchUpload') throw error;
      });
    });
  }

  exists(key: string): BackupError {
    const url = this.urlOf(key);
    return new BackupError('storage', `${url} exists; nothing is ever overwritten`, {
      where: { path: url },
    });
  }

  /**
   * What came of an upload, and when the newest part did; when it was begun, if none came. Never
   * a guess: whoever cleans up goes by it.
   */
  async #parts(
    key: string,
    UploadId: string,
    begun: Date,
  ): Promise<Pick<OpenUpload, 'size' | 'active'> | 'gone' | 'unknown'> {
    let active = begun;
    let size = 0;
    let marker: string | undefined = '';
    while (marker !== undefined) {
      const from: object = marker === '' ? {} : { PartNumberMarker: marker };
      const page = await this.run(key, async (client) => {
        const command = new ListPartsCommand({ ...this.target(key), UploadId, ...from });
        return await client.send(command).catch((error: unknown) => {
          if (s3CodeOf(error) === 'NoSuchUpload') return 'gone' as const;
          if (isNotImplemented(error)) return 'unknown' as const;
          throw error;
        });
      });
      if (typeof page === 'string') return page;
      for (const { LastModified, Size = 0 } of page.Parts ?? []) {
        size += Size;
        if (LastModified && LastModified > active) active = LastModified;
      }
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    }
    return { size, active };
  }
}
