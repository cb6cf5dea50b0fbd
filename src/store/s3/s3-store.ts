import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { BackupError } from '../../errors.ts';
import { collectGarbage } from '../../worker/collect-garbage.ts';
import { alreadyThere } from '../already-there.ts';
import { holdsBytes } from '../holds-bytes.ts';
import type {
  ObjectFacts,
  ObjectRange,
  OpenUpload,
  ReadOptions,
  StoredObject,
  Upload,
  UploadStore,
} from '../object-store.ts';
import { checksumOf, requireTaken } from './s3-checksum.ts';
import { continuation } from './s3-continuation.ts';
import { TransferError, isNotImplemented, isPreconditionFailed } from './s3-failure.ts';
import { creationFields, customerKey } from './s3-headers.ts';
import type { S3Place } from './s3-place.ts';
import { S3Upload } from './s3-upload.ts';

const collectAfterBytes = 4 * 1024 * 1024;

/** A bucket below a prefix. */
export class S3Store implements UploadStore {
  /** One connection gives less than the network has, and each request costs the SDK some 7 ms. */
  readonly reading = { bytes: 16 * 1024 * 1024, parallel: 3 };
  readonly #place: S3Place;
  /** Bytes since garbage was collected. */
  #received = 0;

  constructor(place: S3Place) {
    this.#place = place;
  }

  urlOf(key: string): string {
    return this.#place.urlOf(key);
  }

  async head(key: string): Promise<ObjectFacts | undefined> {
    return await this.#place.head(key);
  }

  async read(
    range: ObjectRange,
    into: Uint8Array,
    { onFilled, signal }: ReadOptions = {},
  ): Promise<void> {
    const { key, offset } = range;
    let filled = 0;
    await this.#place.run(
      key,
      async (client) => {
        // A connection that broke half-way did some of it: then it goes on from there at once.
        for (let before = -1; filled < into.length;) {
          if (filled === before) throw new TransferError('the answer ended too early');
          before = filled;
          const rest = { ...range, offset: offset + filled };
          try {
            for await (const bytes of await this.#get(client, rest, into.length - filled, signal)) {
              if (filled + bytes.length > into.length) {
                throw new TransferError('more came than was asked for');
              }
              into.set(bytes, filled);
              filled += bytes.length;
              onFilled?.(filled);
              await this.#dropBuffers(bytes.length);
            }
          } catch (error) {
            if (isPreconditionFailed(error)) throw this.#changed(key);
            if (error instanceof TransferError || filled === before || signal?.aborted === true)
              throw error;
          }
        }
      },
      signal,
    );
  }

  async put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    // A store may not know the condition below, and pass over it.
    if (await this.head(key)) throw alreadyThere(this.urlOf(key));
    const { settings, checksum } = this.#place;
    const sent = checksumOf(checksum, bytes);
    const target = this.#place.target(key);
    const input = { ...target, ...creationFields(settings), ...sent, Body: bytes };
    let tries = 0;
    const putOnce = async (client: S3Client): Promise<void> => {
      tries += 1;
      const send = async (guard: { IfNoneMatch?: string }): Promise<void> => {
        const taken = await client.send(new PutObjectCommand({ ...input, ...guard }));
        requireTaken(sent, taken);
      };
      try {
        await send({ IfNoneMatch: '*' });
      } catch (error) {
        if (isNotImplemented(error)) await send({});
        else if (!isPreconditionFailed(error)) throw error;
        // An earlier try may have written it although its answer was lost.
        else if (tries === 1 || !(await holdsBytes(this, key, bytes)))
          throw alreadyThere(this.urlOf(key));
      }
    };
    await this.#place.run(key, putOnce, signal);
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
    let token: string | undefined = '';
    while (token !== undefined) {
      const from: object = token === '' ? {} : { ContinuationToken: token };
      const command = new ListObjectsV2Command({ ...this.#place.targets(prefix), ...from });
      const page = await this.#place.run(prefix, (client) => client.send(command), signal);
      for (const { Key, Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        yield { key: this.#place.keyOf(Key), size: Size, modified: LastModified };
      }
      token = continuation(page.IsTruncated, page.NextContinuationToken, this.urlOf(prefix));
    }
  }

  /** One by one: stores that are like S3 do not agree on how many are removed at once. */
  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const command = new DeleteObjectCommand(this.#place.target(key));
      await this.#place.run(key, (client) => client.send(command));
    }
  }

  async openUploads(prefix: string): Promise<OpenUpload[] | undefined> {
    return await this.#place.openUploads(prefix);
  }

  async abortUpload({ key, id }: OpenUpload): Promise<void> {
    await this.#place.abortUpload(key, id);
  }

  async probe(key: string): Promise<void> {
    const upload = new S3Upload(this.#place, key);
    await upload.begin();
    await upload.abort();
  }

  upload(key: string): Upload {
    return new S3Upload(this.#place, key);
  }

  /** The bytes of a range as they come. */
  async #get(
    client: S3Client,
    { key, offset, etag }: ObjectRange,
    length: number,
    abortSignal: AbortSignal | undefined,
  ): Promise<AsyncIterable<Uint8Array>> {
    const command = new GetObjectCommand({
      ...this.#place.target(key),
      ...customerKey(this.#place.settings.encryption),
      Range: `bytes=${offset}-${offset + length - 1}`,
      ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }),
    });
    const answer = await client.send(command, abortSignal ? { abortSignal } : {});
    const { Body, ContentRange = '', ContentLength } = answer;
    const isWhole = offset === 0 && ContentLength === length;
    if (!isWhole && !ContentRange.startsWith(`bytes ${offset}-`)) {
      (Body as Readable).destroy();
      throw new TransferError(`another range came than was asked for (${ContentRange || 'none'})`);
    }
    return Body as Readable;
  }

  /** The sockets read into buffers of their own. */
  async #dropBuffers(received: number): Promise<void> {
    this.#received += received;
    if (this.#received < collectAfterBytes) return;
    this.#received = 0;
    await collectGarbage();
  }

  #changed(key: string): BackupError {
    const url = this.urlOf(key);
    return new BackupError('corrupt', `${url} was replaced while it was read`, {
      where: { path: url },
    });
  }
}
