import {
  AbortMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ObjectFacts, OpenUpload } from '../object-store.ts';
import type { StoreAccess } from '../open-store.ts';
import { unquoted } from './s3-checksum.ts';
import { S3Connection } from './s3-connection.ts';
import { continuation } from './s3-continuation.ts';
import { isElsewhere } from './s3-environment.ts';
import { TransferError, isMissing, isNotImplemented, isUntold, s3CodeOf } from './s3-failure.ts';
import { customerKey, markName } from './s3-headers.ts';
import type { S3Checksum, S3Settings } from './s3-settings.ts';

/** A bucket below a prefix: what its store and its uploads have in common. */
export class S3Place {
  readonly settings: S3Settings;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #connection: S3Connection;

  /** `prefix`: empty, or ends in a slash. */
  constructor({ bucket, prefix }: { bucket: string; prefix: string }, access: StoreAccess) {
    this.settings = access.s3;
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#connection = new S3Connection(access);
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
        const found = await client.send(new HeadObjectCommand(input));
        const { ContentLength: size = 0, ETag, Metadata } = found;
        return { size, etag: unquoted(ETag), mark: Metadata?.[markName] };
      } catch (error) {
        if (isMissing(error)) return undefined;
        // An answer to HEAD has no body: what is wrong is only told to who asks for some of it.
        if (!isUntold(error)) throw error;
        const first = { ...input, Range: 'bytes=0-0' };
        await client.send(new GetObjectCommand(first));
        throw new TransferError('a request was refused without a reason');
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
      const { NextKeyMarker, NextUploadIdMarker: UploadIdMarker = '' } = page;
      const next = NextKeyMarker === undefined ? undefined : { KeyMarker: NextKeyMarker };
      marker = continuation(page.IsTruncated, next && { ...next, UploadIdMarker }, this.urlOf(''));
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
      marker = continuation(page.IsTruncated, page.NextPartNumberMarker, this.urlOf(key));
    }
    return { size, active };
  }
}
