import { FileStore } from './file-store.ts';
import type { ObjectStore } from './object-store.ts';
import type { Place } from './place-url.ts';
import type { RetryPolicy } from './retry.ts';
import type { S3Settings } from './s3/s3-settings.ts';
import type { S3Store } from './s3/s3-store.ts';

/** How the stores that commands name are reached. */
export interface StoreAccess {
  s3: S3Settings;
  /** Hears of every request that is tried again. */
  onRetry: RetryPolicy['onRetry'];
  /** Ends the tries of requests that have no signal of their own. */
  signal?: AbortSignal | undefined;
}

/** The store at a place: all that lies below it. */
export async function openStore(place: Place, access: StoreAccess): Promise<ObjectStore> {
  return place.kind === 's3' ? await openS3(place, access) : new FileStore(place.path);
}

/** A bucket. The SDK is only loaded when there is one: it takes 20 MiB. */
export async function openS3(
  { bucket, path }: Extract<Place, { kind: 's3' }>,
  access: StoreAccess,
): Promise<S3Store> {
  const [{ S3Place }, { S3Store }] = await Promise.all([
    import('./s3/s3-place.ts'),
    import('./s3/s3-store.ts'),
  ]);
  const prefix = path === '' ? '' : `${path}/`;
  return new S3Store(new S3Place({ bucket, prefix }, access));
}
