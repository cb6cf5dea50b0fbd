import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

import type { S3Place } from './s3-place.ts';

/** A client of a place, path-style, which tries once unless told otherwise. */
export function s3Client(
  { endpoint, environment }: Pick<S3Place, 'endpoint' | 'environment'>,
  config: S3ClientConfig = {},
): S3Client {
  // What the SDK has to say of the version of Node is nothing of the test's.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = environment;
  const hasKeys = AWS_ACCESS_KEY_ID !== undefined && AWS_SECRET_ACCESS_KEY !== undefined;
  return new S3Client({
    endpoint,
    forcePathStyle: true,
    region: AWS_REGION ?? 'us-east-1',
    maxAttempts: 1,
    // Without keys there may be a profile.
    ...(hasKeys && {
      credentials: {
        accessKeyId: AWS_ACCESS_KEY_ID,
        secretAccessKey: AWS_SECRET_ACCESS_KEY,
        ...(AWS_SESSION_TOKEN !== undefined && { sessionToken: AWS_SESSION_TOKEN }),
      },
    }),
    ...config,
  });
}
