// s3rver's store, mended: what it writes in place, reads wrongly or removes with races, it does
// here in one go.

import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';

import S3Object from 's3rver/lib/models/object.js';
import FilesystemStore from 's3rver/lib/stores/filesystem.js';

const objectSuffix = '._S3rver_object';

/** What s3rver keeps of the headers of an upload. */
const keptHeaders = /^(?:cache-control|content-(?:disposition|encoding|language|type)|expires)$/u;
const keptAmzHeaders = /^x-amz-(?:meta-.*|storage-class)$/u;

const absent = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
};

export class ObjectFiles extends FilesystemStore {
  /** Undefined when there is no such object; the etag has its quotes. */
  facts(bucket: string, key: string): { etag: string; size: number; modified: Date } | undefined {
    const stat = statSync(this.getResourcePath(bucket, key, 'object'), { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const etag = readFileSync(this.getResourcePath(bucket, key, 'object.md5'), 'utf8');
    return { etag: `"${etag}"`, size: stat.size, modified: stat.mtime };
  }

  /** Moves a received file in as an object, replacing what was there: no reader sees a half. */
  place(
    bucket: string,
    key: string,
    file: { path: string; etag: string },
    headers: Record<string, unknown>,
  ): void {
    const kept = Object.entries(headers).filter(
      ([name]) => keptHeaders.test(name) || keptAmzHeaders.test(name),
    );
    // Synchronous, so that no other request comes in between.
    const path = this.getResourcePath(bucket, key, 'object');
    mkdirSync(dirname(path), { recursive: true });
    renameSync(file.path, path);
    writeFileSync(this.getResourcePath(bucket, key, 'object.md5'), file.etag);
    writeFileSync(
      this.getResourcePath(bucket, key, 'metadata.json'),
      JSON.stringify(Object.fromEntries(kept)),
    );
  }

  /** s3rver's own takes `bytes=0-0` for the whole object and any range of an empty one for a byte. */
  override async getObject(
    bucket: string,
    key: string,
    range: { start?: number; end?: number } = {},
  ): Promise<S3Object | null> {
    const metadata = await this.getMetadata(bucket, key).catch(absent);
    if (metadata === undefined) return null;
    const fd = openSync(this.getResourcePath(bucket, key, 'object'), 'r');
    const start = range.start ?? 0;
    const end = Math.min(range.end ?? Infinity, metadata['content-length'] - 1);
    const isEmpty = end < start;
    if (isEmpty) closeSync(fd);
    // Without content s3rver answers InvalidRange.
    const isUnsatisfiable = isEmpty && range.start !== undefined;
    const content = isEmpty ? Readable.from([]) : createReadStream('', { fd, start, end });
    const object = new S3Object(bucket, key, isUnsatisfiable ? null : content, { ...metadata });
    if (range.start !== undefined) object.range = { start, end };
    return object;
  }

  /** s3rver's own shows an upload before its key is written. */
  override async initiateUpload(
    bucket: string,
    key: string,
    id: string,
    headers: Record<string, unknown>,
  ): Promise<void> {
    const folder = join(this.getResourcePath(bucket, undefined, 'uploads'), id);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'upload.json'), JSON.stringify({ key, headers }));
    return await Promise.resolve();
  }

  /** s3rver's own fails when two deletions find the same folder empty. */
  override async deleteObject(bucket: string, key: string): Promise<void> {
    for (const resource of ['object', 'object.md5', 'metadata.json']) {
      rmSync(this.getResourcePath(bucket, key, resource), { force: true });
    }
    const root = this.getBucketPath(bucket);
    let folder = dirname(this.getResourcePath(bucket, key, 'object'));
    try {
      for (; folder !== root; folder = dirname(folder)) rmdirSync(folder);
    } catch {
      // Not empty, or there was no such object.
    }
    return await Promise.resolve();
  }

  /** Every key that begins with `prefix`, in the order of their UTF-8 bytes. */
  keys(bucket: string, prefix = ''): string[] {
    const root = this.getBucketPath(bucket);
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(objectSuffix))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .map((path) => path.slice(0, -objectSuffix.length))
      .filter((key) => key.startsWith(prefix))
      .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  }
}
