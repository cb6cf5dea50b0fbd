import { randomUUID } from 'node:crypto';
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { BackupError } from '../../errors.ts';
import { alreadyThere } from '../already-there.ts';
import type { ObjectFacts, Upload } from '../object-store.ts';
import { checksumOf, requireTaken } from './s3-checksum.ts';
import { isNotImplemented, isPreconditionFailed, s3CodeOf } from './s3-failure.ts';
import { creationFields, customerKey, markName } from './s3-headers.ts';
import type { S3Place } from './s3-place.ts';

/**
 * A multipart upload. `Upload` of @aws-sdk/lib-storage is not used: it ends at 10,000 parts
 * instead of letting the caller go on in another object, buffers parts of its own, does not hold
 * the store's checksums against what it sent, and can leave an upload open when it fails.
 */
export class S3Upload implements Upload {
  readonly #place: S3Place;
  readonly #key: string;
  readonly #url: string;
  readonly #giveUp = new AbortController();
  readonly #parts = new Map<number, CompletedPart>();
  readonly #underWay = new Set<Promise<void>>();
  #bytes = 0;
  #id: Promise<string> | undefined;
  /** A try to begin it failed, and may have begun one that nobody has the id of. */
  #mayHaveLostOne = false;
  /** Proves that an object is of this upload. */
  readonly #mark = randomUUID();
  #completing: Promise<unknown> | undefined;

  constructor(place: S3Place, key: string) {
    this.#place = place;
    this.#key = key;
    this.#url = place.urlOf(key);
  }

  /** Begins the upload; the first part does it as well. Returns what the store calls it. */
  async begin(): Promise<string> {
    return await (this.#id ??= this.#begin());
  }

  async part(number: number, bytes: Uint8Array): Promise<void> {
    const sending = this.#send(number, bytes);
    this.#underWay.add(sending);
    try {
      await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  async complete(): Promise<ObjectFacts> {
    const parts = [...this.#parts.entries()].sort(([a], [b]) => a - b).map(([, part]) => part);
    this.#completing = this.#finish(parts);
    await this.#completing;
    const found = await this.#place.head(this.#key);
    // Somebody else's: where the store passes over our condition, or a try of ours was lost.
    if (found && found.mark !== this.#mark) throw alreadyThere(this.#url);
    if (found?.size === this.#bytes) {
      if (this.#mayHaveLostOne) await this.#abortOthers();
      return found;
    }
    const instead = found ? `has ${found.size} bytes instead of ${this.#bytes}` : 'is not there';
    throw new BackupError('storage', `${this.#url} ${instead} after its upload was completed`, {
      where: { path: this.#url },
    });
  }

  async abort(): Promise<void> {
    this.#giveUp.abort(new BackupError('failed', 'the upload was given up'));
    // A part that arrives after the end of its upload would stay, and so would the object.
    await Promise.allSettled([...this.#underWay, this.#completing]);
    const id = await this.#id?.catch(() => undefined);
    if (id !== undefined) await this.#place.abortUpload(this.#key, id);
    if (this.#mayHaveLostOne) await this.#abortOthers();
    if (this.#completing) await this.#deleteOwn();
  }

  /** The object, if it came to be; never another's. */
  async #deleteOwn(): Promise<void> {
    const found = await this.#place.head(this.#key);
    if (found?.mark !== this.#mark) return;
    const command = new DeleteObjectCommand(this.#place.target(this.#key));
    await this.#place.run(this.#key, (client) => client.send(command));
  }

  async #send(number: number, bytes: Uint8Array): Promise<void> {
    const { settings, checksum } = this.#place;
    const UploadId = await this.begin();
    const sent = checksumOf(checksum, bytes);
    const part = {
      ...this.#place.target(this.#key),
      ...customerKey(settings.encryption),
      ...sent,
      UploadId,
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.length,
    };
    const { signal: abortSignal } = this.#giveUp;
    await this.#place.run(
      this.#key,
      async (client) => {
        const taken = await client.send(new UploadPartCommand(part), { abortSignal });
        requireTaken(sent, taken);
        const { ETag } = taken;
        const { ChecksumCRC32 } = sent;
        const crc = ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 };
        this.#parts.set(number, { PartNumber: number, ETag, ...crc });
      },
      abortSignal,
    );
    this.#bytes += bytes.length;
  }

  async #begin(): Promise<string> {
    const { settings, checksum } = this.#place;
    const input = {
      ...this.#place.target(this.#key),
      ...creationFields(settings),
      Metadata: { [markName]: this.#mark },
      ...(checksum === 'crc32' ? { ChecksumAlgorithm: 'CRC32' as const } : {}),
    };
    const { UploadId } = await this.#place.run(
      this.#key,
      async (client) => {
        try {
          return await client.send(new CreateMultipartUploadCommand(input));
        } catch (error) {
          this.#mayHaveLostOne = true;
          throw error;
        }
      },
      this.#giveUp.signal,
    );
    if (UploadId !== undefined) return UploadId;
    throw new BackupError('storage', `${this.#url}: the store began an upload without an id`);
  }

  async #finish(parts: CompletedPart[]): Promise<void> {
    const UploadId = await this.#id;
    // A store may not know the condition below, and pass over it.
    if (await this.#place.head(this.#key)) throw alreadyThere(this.#url);
    const input = {
      ...this.#place.target(this.#key),
      ...customerKey(this.#place.settings.encryption),
      UploadId,
      MultipartUpload: { Parts: parts },
    };
    let tries = 0;
    let guard: { IfNoneMatch?: string } = { IfNoneMatch: '*' };
    const complete = async (client: S3Client): Promise<void> => {
      tries += 1;
      try {
        await client.send(new CompleteMultipartUploadCommand({ ...input, ...guard }));
      } catch (error) {
        // An earlier try may be done although its answer was lost: whose object it is will show.
        const mayBeDone = s3CodeOf(error) === 'NoSuchUpload' || isPreconditionFailed(error);
        if (tries > 1 && mayBeDone) return;
        if (isPreconditionFailed(error)) throw alreadyThere(this.#url);
        if (!isNotImplemented(error) || guard.IfNoneMatch === undefined) throw error;
        guard = {};
        await client.send(new CompleteMultipartUploadCommand(input));
      }
    };
    // Who gives up ends the tries, not the one that is under way: it would be done all the same.
    await this.#place.run(this.#key, complete, this.#giveUp.signal);
  }

  /** The name is ours alone, so whatever upload is open for it is one that was begun twice. */
  async #abortOthers(): Promise<void> {
    const open = await this.#place.openUploads(this.#key);
    for (const { key, id } of open ?? [])
      if (key === this.#key) await this.#place.abortUpload(this.#key, id);
  }
}
