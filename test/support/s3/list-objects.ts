// ListObjectsV2 of our own: s3rver's continuation tokens need a cipher that OpenSSL 3 refuses.

import S3Error from 's3rver/lib/models/error.js';

import type { ObjectFiles } from './object-files.ts';

const isAfter = (name: string, other: string): boolean =>
  Buffer.compare(Buffer.from(name), Buffer.from(other)) > 0;

/** The key, or the common prefix it is rolled up into. */
const rolledUp = (key: string, prefix: string, delimiter: string): string => {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return end < 0 ? key : key.slice(0, end + delimiter.length);
};

/** What S3 answers, as s3rver makes XML of it. */
export function listObjects(store: ObjectFiles, bucket: string, query: URLSearchParams): object {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const token = query.get('continuation-token');
  const after =
    Buffer.from(token ?? '', 'base64url').toString() || (query.get('start-after') ?? '');
  const keysMax = Number(query.get('max-keys') ?? 1000);
  if (!(Number.isInteger(keysMax) && keysMax >= 0) || (token !== null && after === '')) {
    throw new S3Error('InvalidArgument', 'max-keys or the continuation token is not valid');
  }
  // An entry stands for a key or for a common prefix, so a page may end after either.
  const names = store.keys(bucket, prefix).map((key) => rolledUp(key, prefix, delimiter));
  const entries = [...new Set(names)].filter((name) => isAfter(name, after));
  const page = entries.slice(0, Math.min(keysMax, 1000));
  const isTruncated = page.length > 0 && page.length < entries.length;
  const isPrefix = (name: string): boolean =>
    delimiter !== '' && name.length > prefix.length && name.endsWith(delimiter);
  return {
    ListBucketResult: {
      '@': { xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/' },
      Name: bucket,
      Prefix: prefix,
      Delimiter: delimiter === '' ? undefined : delimiter,
      MaxKeys: keysMax,
      KeyCount: page.length,
      ContinuationToken: token ?? undefined,
      NextContinuationToken: isTruncated
        ? Buffer.from(page.at(-1) ?? '').toString('base64url')
        : undefined,
      IsTruncated: isTruncated,
      Contents: page
        .filter((name) => !isPrefix(name))
        .map((key) => {
          const facts = store.facts(bucket, key);
          return {
            Key: key,
            LastModified: facts?.modified.toISOString(),
            ETag: facts?.etag,
            Size: facts?.size,
            StorageClass: 'STANDARD',
          };
        }),
      CommonPrefixes: page.filter(isPrefix).map((name) => ({ Prefix: name })),
    },
  };
}
