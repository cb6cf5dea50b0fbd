import { randomBytes } from 'node:crypto';

import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';

import { s3Client } from './client.ts';
import type { S3Place } from './s3-place.ts';
import type { OpenUpload } from './uploads.ts';

const listKeys = async (client: S3Client, Bucket: string, Prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
    for (const { Key } of page.Contents ?? []) keys.push(Key ?? '');
  }
  return keys;
};

const listUploads = async (
  client: S3Client,
  Bucket: string,
  Prefix: string,
): Promise<OpenUpload[]> => {
  const uploads: OpenUpload[] = [];
  let page: Partial<ListMultipartUploadsCommandOutput> = {};
  do {
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    const command = new ListMultipartUploadsCommand({ Bucket, Prefix, KeyMarker, UploadIdMarker });
    page = await client.send(command);
    for (const { Key = '', UploadId = '' } of page.Uploads ?? []) {
      uploads.push({ key: Key, uploadId: UploadId });
    }
  } while (page.IsTruncated === true);
  return uploads;
};

const removeAll = async (client: S3Client, Bucket: string, prefix: string): Promise<void> => {
  for (const { key, uploadId } of await listUploads(client, Bucket, prefix)) {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId }));
  }
  const keys = await listKeys(client, Bucket, prefix);
  for (let at = 0; at < keys.length; at += 1000) {
    const Objects = keys.slice(at, at + 1000).map((Key) => ({ Key }));
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
  }
};

/** The place that the environment gives, below a fresh prefix; undefined when it gives none. */
export function externalPlace(): S3Place | undefined {
  const endpoint = process.env['XBPIPE_TEST_S3_ENDPOINT'];
  const bucket = process.env['XBPIPE_TEST_S3_BUCKET'];
  if (endpoint === undefined || bucket === undefined) return undefined;
  const prefix = `xbpipe-test-${randomBytes(6).toString('hex')}/`;
  const given = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[0].startsWith('AWS_') && entry[1] !== undefined,
  );
  const environment = {
    ...Object.fromEntries(given),
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const client = s3Client({ endpoint, environment });
  return {
    endpoint,
    bucket,
    prefix,
    environment,
    isEmbedded: false,
    url: (name) => `s3://${bucket}/${prefix}${name}`,
    keys: async () =>
      (await listKeys(client, bucket, prefix)).map((key) => key.slice(prefix.length)),
    openUploads: async () =>
      (await listUploads(client, bucket, prefix)).map((upload) => ({
        ...upload,
        key: upload.key.slice(prefix.length),
      })),
    requestCounts: async () => await Promise.resolve(undefined),
    resetCounts: async () => {
      await Promise.resolve();
    },
    stop: async () => {
      await removeAll(client, bucket, prefix);
      client.destroy();
    },
  };
}
