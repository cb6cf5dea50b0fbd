import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackupError } from '../errors.ts';

/** What a URL or path names: something in a bucket, or something on a disk. */
export type Place = { kind: 's3'; bucket: string; path: string } | { kind: 'file'; path: string };

/**
 * A path as it is, a `file:` URL, or `s3://bucket/path`. Slashes at the end of a path in a bucket
 * do not count.
 */
export function parsePlace(url: string): Place {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: 'file', path: url };
  if (scheme === 'file') return { kind: 'file', path: pathOfFileUrl(url) };
  if (scheme === 's3') return parseS3(url);
  throw new BackupError('usage', `${url}: ${scheme}: is not supported`, {
    hint: 'name a path, a file: URL or s3://BUCKET/PATH',
  });
}

/** A place, as that which holds it and its name there. */
export function parentOf(place: Place): { parent: Place; name: string } {
  const path = pathWithName(place);
  const at = path.lastIndexOf('/');
  const name = path.slice(at + 1);
  if (name === '' || name === '.' || name === '..') {
    throw new BackupError('usage', `${place.path} does not end in the name of a backup`);
  }
  const above = path.slice(0, Math.max(0, at));
  if (place.kind === 's3') return { parent: { ...place, path: above }, name };
  const root = path.startsWith('/') ? '/' : '.';
  return { parent: { ...place, path: above === '' ? root : above }, name };
}

/** A path that ends in a name: `.` has one only in full. */
function pathWithName({ kind, path }: Place): string {
  const bare = path.replace(/\/+$/, '');
  return kind === 'file' && /(^|\/)\.{0,2}$/.test(bare) ? resolve(path) : bare;
}

function pathOfFileUrl(url: string): string {
  try {
    return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
  } catch (error) {
    throw new BackupError('usage', `${url}: ${error instanceof Error ? error.message : ''}`);
  }
}

function parseS3(url: string): Place {
  const [, bucket, path = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/is.exec(url) ?? [];
  if (bucket === undefined) {
    throw new BackupError('usage', `${url} names no bucket`, { hint: 'as in s3://BUCKET/PATH' });
  }
  const segments = path.replace(/\/+$/, '').split('/');
  if (path !== '' && segments.some((segment) => ['', '.', '..'].includes(segment))) {
    throw new BackupError('usage', `${url} has an empty segment, or one of dots`);
  }
  return { kind: 's3', bucket, path: segments.join('/') };
}
