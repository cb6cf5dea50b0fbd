import { BackupError } from '../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { type XbcloudFile, objectName, parseObjectName } from './xbcloud-files.ts';

export const md5Bytes = 16;
const readBytes = 1024 * 1024;
/** Longer than any line: 512 bytes of path. */
const lineBytesMax = 4096;

/**
 * Adds the MD5 sums of `NAME.md5` to the files, where it is there: a line as md5sum writes it for
 * every object. It must name the objects that are there, no more and no fewer.
 */
export async function readXbcloudMd5s(
  store: ObjectStore,
  backup: string,
  files: ReadonlyMap<string, XbcloudFile>,
): Promise<void> {
  const key = `${backup}.md5`;
  const url = store.urlOf(key);
  const found = await store.head(key);
  if (!found) return;
  for (const file of files.values()) file.md5s = Buffer.alloc(md5Bytes * file.sizes.length);
  const refuse = (code: 'incomplete' | 'corrupt', message: string): never => {
    throw new BackupError(code, message, { where: { path: url } });
  };
  for await (const line of linesOf(store, key, found)) {
    const [, hex = '', name = ''] = /^([0-9a-f]{32}) {2}(.+)$/s.exec(line) ?? [];
    const object = parseObjectName(name);
    if (!object) return refuse('corrupt', `${url}: a line of it is no MD5 of an object`);
    const file = files.get(object.path);
    if (!file || object.number >= file.sizes.length) {
      return refuse(
        'incomplete',
        `${store.urlOf(`${backup}/${name}`)} is missing: ${url} names it`,
      );
    }
    file.md5s?.write(hex, object.number * md5Bytes, 'hex');
  }
  for (const { path, sizes, md5s } of files.values()) {
    const unknown = sizes.findIndex((_, i) => isZero(md5s, i));
    if (unknown >= 0) refuse('corrupt', `${url} does not name ${objectName(path, unknown)}`);
  }
}

/** Nothing has an MD5 of zeros. */
function isZero(md5s: Buffer | undefined, number: number): boolean {
  const at = number * md5Bytes;
  return md5s?.subarray(at, at + md5Bytes).every((byte) => byte === 0) ?? true;
}

/** The lines of an object, whether or not the last one is ended. */
async function* linesOf(
  store: ObjectStore,
  key: string,
  { size, etag }: { size: number; etag: string | undefined },
): AsyncGenerator<string, undefined> {
  let rest = Buffer.alloc(0);
  for (let offset = 0; offset < size; offset += readBytes) {
    const bytes = Buffer.alloc(Math.min(readBytes, size - offset));
    await store.read({ key, offset, etag }, bytes);
    rest = Buffer.concat([rest, bytes]);
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.toString('utf8', 0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > lineBytesMax) {
      const path = store.urlOf(key);
      throw new BackupError('corrupt', `${path} is no list of MD5 sums`, { where: { path } });
    }
  }
  if (rest.length > 0) yield rest.toString('utf8');
  return undefined;
}
