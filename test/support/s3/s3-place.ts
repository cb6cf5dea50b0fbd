// Where bucket tests put their backups: the embedded store in this process or in one of its own,
// or any endpoint given by the environment.

import { scratchDir } from '../scratch.ts';
import { externalPlace } from './external-place.ts';
import type { S3Limits } from './limits.ts';
import { type RequestCounts, startStoreServer } from './store-server.ts';
import { startStoreProcess } from './store-process.ts';
import type { OpenUpload } from './uploads.ts';

export interface S3Place {
  /** A URL with scheme and port. */
  readonly endpoint: string;
  readonly bucket: string;
  /** All that a test writes is below it; ends with a slash. */
  readonly prefix: string;
  /** The AWS_* variables that the tool needs; add them to an environment without any. */
  readonly environment: Record<string, string>;
  /** False for an endpoint given by the environment: it has S3's own limits, and nobody counts. */
  readonly isEmbedded: boolean;
  /** `s3://bucket/prefix/NAME`. */
  url(name: string): string;
  /** The keys below the prefix, without it, in order. */
  keys(): Promise<string[]>;
  /** Uploads below the prefix neither completed nor aborted; their keys come without the prefix. */
  openUploads(): Promise<OpenUpload[]>;
  /** Requests since the start or the last reset; undefined where nobody counts them. */
  requestCounts(): Promise<RequestCounts | undefined>;
  resetCounts(): Promise<void>;
  /** Removes what is below the prefix; what is embedded stops. */
  stop(): Promise<void>;
}

/** What a place needs of a store, here or in another process. */
export interface StoreAnswers {
  readonly endpoint: string;
  readonly bucket: string;
  keys(prefix: string): string[] | Promise<string[]>;
  openUploads(prefix: string): OpenUpload[] | Promise<OpenUpload[]>;
  requestCounts(): RequestCounts | Promise<RequestCounts>;
  resetCounts(): void | Promise<void>;
  stop(): Promise<void>;
}

/** S3's limits to be changed; an endpoint given by the environment has its own. */
export type S3Options = Partial<S3Limits>;

const prefix = 'nightly/';

const embeddedPlace = (store: StoreAnswers): S3Place => {
  const { endpoint, bucket } = store;
  return {
    endpoint,
    bucket,
    prefix,
    isEmbedded: true,
    environment: {
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
      AWS_REGION: 'us-east-1',
      // Nothing of this machine, and no word of the SDK about the version of Node.
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    url: (name) => `s3://${bucket}/${prefix}${name}`,
    keys: async () => (await store.keys(prefix)).map((key) => key.slice(prefix.length)),
    openUploads: async () =>
      (await store.openUploads(prefix)).map((upload) => ({
        ...upload,
        key: upload.key.slice(prefix.length),
      })),
    requestCounts: async () => await store.requestCounts(),
    resetCounts: async () => {
      await store.resetCounts();
    },
    stop: async () => {
      await store.stop();
    },
  };
};

/**
 * An empty place, to be stopped by the test. With XBPIPE_TEST_S3_ENDPOINT, XBPIPE_TEST_S3_BUCKET
 * and the usual AWS_* variables it is there, below a fresh prefix; otherwise in this process.
 */
export async function startS3(options: S3Options = {}): Promise<S3Place> {
  return externalPlace() ?? embeddedPlace(await startStoreServer(scratchDir('s3'), options));
}

/** As `startS3`, the embedded store in a process of its own: for tests that keep this one busy. */
export async function startS3Process(options: S3Options = {}): Promise<S3Place> {
  return externalPlace() ?? embeddedPlace(await startStoreProcess(scratchDir('s3'), options));
}
