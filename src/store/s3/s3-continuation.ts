import { BackupError } from '../../errors.ts';

/** Where a listing goes on; undefined at its end. One that is cut without saying where would pass for whole. */
export function continuation<T>(
  isTruncated: boolean | undefined,
  marker: T | undefined,
  url: string,
): T | undefined {
  if (isTruncated !== true) return undefined;
  if (marker !== undefined) return marker;
  throw new BackupError('storage', `${url}: the store lists a part and not how to go on`, {
    hint: 'it does not know ListObjectsV2, or not as S3 has it',
    where: { path: url },
  });
}
