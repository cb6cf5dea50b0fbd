// Multipart uploads, kept in s3rver's folder of uploads: one folder each, with a file for each
// part and, beside it, what is known of the part. A part without the latter is not there.

import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import S3Error from 's3rver/lib/models/error.js';

import type { S3Limits } from './limits.ts';
import type { ObjectFiles } from './object-files.ts';
import type { Received } from './receive.ts';

export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
}

interface UploadFacts extends OpenUpload {
  readonly headers: IncomingHttpHeaders;
  readonly initiated: Date;
}

export interface PartFacts extends Pick<Received, 'etag' | 'size' | 'checksums'> {
  readonly number: number;
  readonly modified: Date;
}

/** A part as CompleteMultipartUpload lists it: `checksums` by the names of their headers. */
export interface ListedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: Record<string, string>;
}

const noSuchUpload = (): S3Error =>
  new S3Error(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have ' +
      'been aborted or completed.',
  );

const invalidPart = (number: number): S3Error =>
  new S3Error(
    'InvalidPart',
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    { PartNumber: number },
  );

export class Uploads {
  readonly #store: ObjectFiles;
  readonly #limits: S3Limits;
  /** For uploads that are being completed; on the same file system as the store. */
  readonly #folder: string;

  constructor(store: ObjectFiles, limits: S3Limits, folder: string) {
    this.#store = store;
    this.#limits = limits;
    this.#folder = folder;
  }

  #path(bucket: string, id: string): string {
    return join(this.#store.getResourcePath(bucket, undefined, 'uploads'), id);
  }

  /** Throws NoSuchUpload when there is none of that id, or when it is of another key. */
  find(bucket: string, key: string, id: string): UploadFacts {
    const path = join(this.#path(bucket, id), 'upload.json');
    if (!/^[0-9a-f]+$/u.test(id) || !existsSync(path)) throw noSuchUpload();
    const written = JSON.parse(readFileSync(path, 'utf8')) as Omit<UploadFacts, 'uploadId'>;
    if (written.key !== key && key !== '') throw noSuchUpload();
    return { ...written, uploadId: id, initiated: statSync(path).mtime };
  }

  /** In the order of S3's listing: by key, then by when they were begun. */
  open(bucket: string): UploadFacts[] {
    const root = this.#path(bucket, '');
    const ids = existsSync(root) ? readdirSync(root) : [];
    return ids
      .map((id) => this.find(bucket, '', id))
      .sort(
        (one, other) =>
          Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)) ||
          one.initiated.getTime() - other.initiated.getTime(),
      );
  }

  /** By number. */
  parts(bucket: string, id: string): PartFacts[] {
    const folder = this.#path(bucket, id);
    return readdirSync(folder)
      .filter((name) => /^\d+\.json$/u.test(name))
      .map((name) => {
        const path = join(folder, name);
        const written = JSON.parse(readFileSync(path, 'utf8')) as PartFacts;
        return { ...written, modified: statSync(path).mtime };
      })
      .sort((one, other) => one.number - other.number);
  }

  /** What can be said of a part before its body comes in. */
  checkPart(upload: UploadFacts, number: number, checksums: readonly string[]): void {
    if (!(Number.isInteger(number) && number >= 1 && number <= this.#limits.partNumberMax)) {
      const range = `between 1 and ${this.#limits.partNumberMax}, inclusive`;
      throw new S3Error('InvalidArgument', `Part number must be an integer ${range}`, {
        ArgumentName: 'partNumber',
        ArgumentValue: number,
      });
    }
    const wanted = checksumOf(upload);
    if (wanted !== undefined && !checksums.includes(wanted)) {
      throw new S3Error('InvalidRequest', `Checksum Type mismatch occurred, expected ${wanted}`);
    }
  }

  /** Makes a part of what was received; throws NoSuchUpload when the upload went meanwhile. */
  placePart(bucket: string, upload: OpenUpload, number: number, received: Received): void {
    this.find(bucket, upload.key, upload.uploadId);
    const path = join(this.#path(bucket, upload.uploadId), `${number}`);
    const { path: from, ...facts } = received;
    renameSync(from, path);
    writeFileSync(`${path}.json`, JSON.stringify({ number, ...facts }));
  }

  abort(bucket: string, { uploadId }: OpenUpload): void {
    rmSync(this.#path(bucket, uploadId), { recursive: true });
  }

  /** Makes an object of the listed parts, with S3's ETag; throws S3's refusals. */
  async complete(
    bucket: string,
    upload: UploadFacts,
    listed: readonly ListedPart[],
  ): Promise<{ etag: string; size: number }> {
    const parts = this.#checkListed(bucket, upload, listed);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    if (size > this.#limits.objectBytesMax) {
      throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
    }
    // From here on the upload is gone for everybody else.
    const folder = join(this.#folder, upload.uploadId);
    renameSync(this.#path(bucket, upload.uploadId), folder);
    const [first, ...rest] = parts.map(({ number }) => join(folder, `${number}`));
    if (first === undefined) throw invalidPart(0);
    for (const path of rest) {
      await pipeline(createReadStream(path), createWriteStream(first, { flags: 'a' }));
    }
    const md5 = createHash('md5');
    for (const part of parts) md5.update(part.etag, 'hex');
    const etag = `${md5.digest('hex')}-${parts.length}`;
    this.#store.place(bucket, upload.key, { path: first, etag }, upload.headers);
    rmSync(folder, { recursive: true });
    return { etag, size };
  }

  #checkListed(
    bucket: string,
    upload: UploadFacts,
    listed: readonly ListedPart[],
  ): readonly PartFacts[] {
    if (listed.length === 0) {
      throw new S3Error('MalformedXML', 'You must specify at least one part');
    }
    if (listed.some((part, at) => part.number <= (listed[at - 1]?.number ?? 0))) {
      throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.');
    }
    const known = new Map(this.parts(bucket, upload.uploadId).map((part) => [part.number, part]));
    const wanted = checksumOf(upload);
    return listed.map(({ number, etag, checksums }, at) => {
      const part = known.get(number);
      if (part?.etag !== etag) throw invalidPart(number);
      if (wanted !== undefined && checksums[wanted] === undefined) {
        const kind = `The upload was created using ${wanted}. The complete request must include`;
        throw new S3Error('InvalidRequest', `${kind} the checksum for each part.`);
      }
      for (const [name, value] of Object.entries(checksums)) {
        if (part.checksums[name] !== value) throw invalidPart(number);
      }
      if (part.size < this.#limits.partBytesMin && at < listed.length - 1) {
        throw new S3Error(
          'EntityTooSmall',
          'Your proposed upload is smaller than the minimum allowed size',
          {
            ProposedSize: part.size,
            MinSizeAllowed: this.#limits.partBytesMin,
            PartNumber: number,
          },
        );
      }
      return part;
    });
  }
}

/** The header of the checksum that every part of the upload has to have, if any. */
const checksumOf = ({ headers }: UploadFacts): string | undefined => {
  const algorithm = headers['x-amz-checksum-algorithm'];
  return typeof algorithm === 'string' ? `x-amz-checksum-${algorithm.toLowerCase()}` : undefined;
};
