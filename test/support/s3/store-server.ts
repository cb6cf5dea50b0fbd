import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

import S3rver from 's3rver';

import { s3Front } from './front.ts';
import { type S3Limits, s3Limits } from './limits.ts';
import { ObjectFiles } from './object-files.ts';
import { type OpenUpload, Uploads } from './uploads.ts';

/** How many requests of each operation, by S3's names. */
export type RequestCounts = Record<string, number>;

export interface StoreServer {
  readonly endpoint: string;
  readonly bucket: string;
  /** Every key of the bucket that begins so, in order. */
  keys(prefix: string): string[];
  /** Uploads neither completed nor aborted. */
  openUploads(prefix: string): OpenUpload[];
  requestCounts(): RequestCounts;
  resetCounts(): void;
  stop(): Promise<void>;
}

const bucket = 'backups';

/** S3 on a free port of 127.0.0.1, with one bucket, kept in `folder`; keys and secret are S3RVER. */
export async function startStoreServer(
  folder: string,
  changed: Partial<S3Limits> = {},
): Promise<StoreServer> {
  const limits = { ...s3Limits, ...changed };
  const [directory, incoming] = [join(folder, 'buckets'), join(folder, 'incoming')];
  for (const path of [directory, incoming]) mkdirSync(path);
  const configureBuckets = [{ name: bucket }];
  const app = new S3rver({ directory, silent: true, vhostBuckets: false, configureBuckets });
  const store = new ObjectFiles(directory);
  app.store = store;
  app.context.store = store;
  const uploads = new Uploads(store, limits, incoming);
  let counts: RequestCounts = {};
  const onRequest = (operation: string): void => {
    counts[operation] = (counts[operation] ?? 0) + 1;
  };
  // The last one is its router; what stands before makes XML of objects and of errors.
  app.middleware.splice(-1, 0, s3Front({ store, uploads, limits, incoming, onRequest }));
  await app.configureBuckets();
  // A part may take long to come in, and a reader may pause.
  const server = createServer({ requestTimeout: 0 }, app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    keys: (prefix) => store.keys(bucket, prefix),
    openUploads: (prefix) =>
      uploads
        .open(bucket)
        .filter(({ key }) => key.startsWith(prefix))
        .map(({ key, uploadId }) => ({ key, uploadId })),
    requestCounts: () => counts,
    resetCounts: () => {
      counts = {};
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
