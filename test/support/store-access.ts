import { type StoreAccess } from '../../src/store/open-store.ts';
import { type S3Settings, s3Defaults } from '../../src/store/s3/s3-settings.ts';

/** How a test reaches stores: as by default, but quick to try again. */
export function storeAccess(
  settings: Partial<S3Settings> = {},
): StoreAccess & { retries: string[] } {
  const retries: string[] = [];
  const s3 = {
    ...s3Defaults,
    verifyTls: true,
    legalHold: false,
    tags: [],
    backoffMsMax: 10,
    ...settings,
  };
  const onRetry = (failure: Error): void => {
    retries.push(failure.message);
  };
  return { s3, onRetry, retries };
}
