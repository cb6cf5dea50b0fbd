// What stands before s3rver's own routes and does what they lack or do wrong.

import { readFileSync, rmSync } from 'node:fs';

import type S3rver from 's3rver';
import authentication from 's3rver/lib/middleware/authentication.js';
import S3Error from 's3rver/lib/models/error.js';

import type { S3Limits } from './limits.ts';
import { listObjects } from './list-objects.ts';
import type { ObjectFiles } from './object-files.ts';
import { readS3Request, type S3Request } from './operation.ts';
import { receiveBody, type Received } from './receive.ts';
import type { ListedPart, Uploads } from './uploads.ts';

export interface Front {
  readonly store: ObjectFiles;
  readonly uploads: Uploads;
  readonly limits: S3Limits;
  /** Where bodies come in; on the same file system as the store. */
  readonly incoming: string;
  /** Hears the name of every operation, whatever comes of it. */
  readonly onRequest: (operation: string) => void;
}

/** False when s3rver's own route goes on with it. */
type Handler = (
  front: Front,
  request: S3Request,
  context: S3rver.Context,
) => Promise<boolean> | boolean;

const xmlns = 'http://s3.amazonaws.com/doc/2006-03-01/';

const answer = (context: S3rver.Context, body: unknown, status = 200): true => {
  context.status = status;
  context.body = body;
  return true;
};

const answerEtag = (context: S3rver.Context, { etag, checksums }: Received): true => {
  context.set('ETag', `"${etag}"`);
  for (const [name, value] of Object.entries(checksums)) context.set(name, value);
  return answer(context, '');
};

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** The text of every element of that name, as far as S3's requests go. */
const elements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gsu'))].map(([, inner = '']) => inner);

const textOf = (xml: string): string =>
  xml.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/giu, (_all, decimal, hex, name: string) =>
    typeof decimal === 'string' || typeof hex === 'string'
      ? String.fromCodePoint(Number(typeof decimal === 'string' ? decimal : `0x${String(hex)}`))
      : (entities[name] ?? ''),
  );

const receiveXml = async (
  { incoming }: Front,
  { req }: S3rver.Context,
): Promise<{ xml: string; isChecked: boolean }> => {
  const { path, checksums } = await receiveBody(req, incoming);
  const xml = readFileSync(path, 'utf8');
  rmSync(path);
  const isChecked = 'content-md5' in req.headers || Object.keys(checksums).length > 0;
  return { xml, isChecked };
};

const failed = (): S3Error =>
  new S3Error('PreconditionFailed', 'At least one of the pre-conditions did not hold');

/** If-Match and If-None-Match of what writes an object. */
const checkWrite = (
  { store }: Front,
  { bucket, key }: S3Request,
  context: S3rver.Context,
): void => {
  const facts = store.facts(bucket, key);
  const { 'if-match': match, 'if-none-match': noneMatch } = context.headers;
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match of a write can only be *');
  }
  if (noneMatch === '*' && facts !== undefined) throw failed();
  if (match === undefined) return;
  if (facts === undefined) throw new S3Error('NoSuchKey', 'The specified key does not exist.');
  if (match !== '*' && match.replaceAll('"', '') !== facts.etag.replaceAll('"', '')) throw failed();
};

const putObject: Handler = async (front, request, context) => {
  // Before the body, as S3 does when it can, and again when nothing can come in between.
  checkWrite(front, request, context);
  const received = await receiveBody(context.req, front.incoming, front.limits.partBytesMax);
  try {
    checkWrite(front, request, context);
    front.store.place(request.bucket, request.key, received, context.headers);
  } finally {
    rmSync(received.path, { force: true });
  }
  return answerEtag(context, received);
};

/** Conditions, and the ranges that s3rver does not know; it answers. */
const readObject: Handler = ({ store }, { bucket, key }, context) => {
  const { headers } = context;
  const facts = store.facts(bucket, key);
  if (facts === undefined) return false;
  const match = headers['if-match'];
  if (match !== undefined && match !== '*' && match.replaceAll('"', '') !== facts.etag.slice(1, -1))
    throw failed();
  const last = /^bytes=-(\d+)$/u.exec(headers.range ?? '')?.[1];
  if (last !== undefined) headers.range = `bytes=${Math.max(0, facts.size - Number(last))}-`;
  return false;
};

const createUpload: Handler = (_front, _request, { headers }) => {
  if (headers['x-amz-checksum-type'] === 'FULL_OBJECT') {
    throw new S3Error('NotImplemented', 'Checksums of whole objects are not checked here');
  }
  return false;
};

const uploadPart: Handler = async (front, { bucket, key, query }, context) => {
  const upload = front.uploads.find(bucket, key, query.get('uploadId') ?? '');
  const number = Number(query.get('partNumber') ?? Number.NaN);
  const trailer = String(context.headers['x-amz-trailer'] ?? '');
  front.uploads.checkPart(upload, number, [...Object.keys(context.headers), trailer]);
  const received = await receiveBody(context.req, front.incoming, front.limits.partBytesMax);
  try {
    front.uploads.placePart(bucket, upload, number, received);
  } finally {
    rmSync(received.path, { force: true });
  }
  return answerEtag(context, received);
};

const readListed = (xml: string): ListedPart[] =>
  elements(xml, 'Part').map((part) => ({
    number: Number(elements(part, 'PartNumber')[0]),
    etag: textOf(elements(part, 'ETag')[0] ?? '').replaceAll('"', ''),
    checksums: Object.fromEntries(
      [...part.matchAll(/<Checksum(\w+)>([^<]*)</gu)].map(([, name = '', value = '']) => [
        `x-amz-checksum-${name.toLowerCase()}`,
        textOf(value),
      ]),
    ),
  }));

const completeUpload: Handler = async (front, request, context) => {
  const { bucket, key, query } = request;
  const { xml } = await receiveXml(front, context);
  const upload = front.uploads.find(bucket, key, query.get('uploadId') ?? '');
  checkWrite(front, request, context);
  const { etag } = await front.uploads.complete(bucket, upload, readListed(xml));
  return answer(context, {
    CompleteMultipartUploadResult: {
      '@': { xmlns },
      Location: `http://${context.headers.host ?? ''}${context.originalUrl.split('?')[0] ?? ''}`,
      Bucket: bucket,
      Key: key,
      ETag: `"${etag}"`,
    },
  });
};

const abortUpload: Handler = ({ uploads }, { bucket, key, query }, context) => {
  uploads.abort(bucket, uploads.find(bucket, key, query.get('uploadId') ?? ''));
  return answer(context, null, 204);
};

/** `max-...` of a listing: never more than 1000. */
const pageSize = (query: URLSearchParams, name: string): number =>
  Math.min(1000, Number(query.get(name) ?? 1000));

const listParts: Handler = ({ uploads }, { bucket, key, query }, context) => {
  const id = query.get('uploadId') ?? '';
  uploads.find(bucket, key, id);
  const marker = Number(query.get('part-number-marker') ?? 0);
  const left = uploads.parts(bucket, id).filter(({ number }) => number > marker);
  const page = left.slice(0, pageSize(query, 'max-parts'));
  return answer(context, {
    ListPartsResult: {
      '@': { xmlns },
      Bucket: bucket,
      Key: key,
      UploadId: id,
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.number,
      MaxParts: pageSize(query, 'max-parts'),
      IsTruncated: page.length < left.length,
      Part: page.map(({ number, modified, etag, size, checksums }) => ({
        PartNumber: number,
        LastModified: modified.toISOString(),
        ETag: `"${etag}"`,
        Size: size,
        ChecksumCRC32: checksums['x-amz-checksum-crc32'],
      })),
    },
  });
};

const listUploads: Handler = ({ uploads }, { bucket, query }, context) => {
  if (query.has('delimiter')) throw new S3Error('NotImplemented', 'No delimiter of uploads here');
  const [key, id] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
  const all = uploads.open(bucket).filter((one) => one.key.startsWith(query.get('prefix') ?? ''));
  const at = all.findIndex((one) => one.key === key && one.uploadId === id);
  const left = at < 0 ? all.filter((one) => one.key > key) : all.slice(at + 1);
  const page = left.slice(0, pageSize(query, 'max-uploads'));
  const isTruncated = page.length < left.length;
  return answer(context, {
    ListMultipartUploadsResult: {
      '@': { xmlns },
      Bucket: bucket,
      KeyMarker: key,
      UploadIdMarker: id,
      NextKeyMarker: isTruncated ? page.at(-1)?.key : undefined,
      NextUploadIdMarker: isTruncated ? page.at(-1)?.uploadId : undefined,
      MaxUploads: pageSize(query, 'max-uploads'),
      IsTruncated: isTruncated,
      Upload: page.map((one) => ({
        Key: one.key,
        UploadId: one.uploadId,
        StorageClass: 'STANDARD',
        Initiated: one.initiated.toISOString(),
      })),
    },
  });
};

/** s3rver's own takes a key of digits for a number, and asks for no checksum. */
const deleteObjects: Handler = async (front, { bucket }, context) => {
  const { xml, isChecked } = await receiveXml(front, context);
  if (!isChecked) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5');
  }
  const keys = elements(xml, 'Object').map((one) => textOf(elements(one, 'Key')[0] ?? ''));
  if (keys.length === 0 || keys.length > 1000 || keys.includes('')) {
    throw new S3Error('MalformedXML', 'The XML you provided was not well-formed');
  }
  for (const key of keys) await front.store.deleteObject(bucket, key);
  const isQuiet = elements(xml, 'Quiet')[0] === 'true';
  const Deleted = isQuiet ? [] : keys.map((key) => ({ Key: key }));
  return answer(context, { DeleteResult: { '@': { xmlns }, Deleted } });
};

const handlers: Record<string, Handler> = {
  PutObject: putObject,
  GetObject: readObject,
  HeadObject: readObject,
  CreateMultipartUpload: createUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
  ListParts: listParts,
  ListMultipartUploads: listUploads,
  ListObjectsV2: ({ store }, { bucket, query }, context) =>
    answer(context, listObjects(store, bucket, query)),
  DeleteObjects: deleteObjects,
};

/** A middleware to stand right before s3rver's router. */
export function s3Front(front: Front): S3rver.Middleware {
  const authenticate = authentication();
  return async (context, next) => {
    const isCopy = 'x-amz-copy-source' in context.headers;
    const request = readS3Request(context.method, context.originalUrl, isCopy);
    front.onRequest(request.operation);
    context.params = { bucket: request.bucket, key: request.key };
    await authenticate(context, async () => {
      if (context.state.account === undefined) throw new S3Error('AccessDenied', 'Access Denied');
      if (request.bucket !== '' && (await front.store.getBucket(request.bucket)) === null) {
        throw new S3Error('NoSuchBucket', 'The specified bucket does not exist');
      }
      context.params = {};
      if ((await handlers[request.operation]?.(front, request, context)) !== true) await next();
    });
  };
}
