import type { S3Settings, ServerSideEncryption } from './s3-settings.ts';

/** Metadata of an object that tells which upload made it. */
export const markName = 'xbpipe-upload';

/** What a new object is to be: the same for an upload and for a small object. */
export function creationFields(settings: S3Settings): {
  StorageClass?: 'STANDARD';
  Tagging?: string;
  ObjectLockMode?: 'GOVERNANCE' | 'COMPLIANCE';
  ObjectLockRetainUntilDate?: Date;
  ObjectLockLegalHoldStatus?: 'ON';
  ServerSideEncryption?: 'AES256' | 'aws:kms';
  SSEKMSKeyId?: string;
} {
  const { storageClass, objectLock, legalHold, tags, encryption } = settings;
  return {
    // The SDK lists the classes of Amazon; other stores have others.
    ...(storageClass === undefined ? {} : { StorageClass: storageClass as 'STANDARD' }),
    ...(tags.length > 0 ? { Tagging: tagging(tags) } : {}),
    ...(objectLock
      ? {
          ObjectLockMode: objectLock.mode,
          ObjectLockRetainUntilDate: daysFromNow(objectLock.days),
        }
      : {}),
    ...(legalHold ? { ObjectLockLegalHoldStatus: 'ON' } : {}),
    ...storeEncryption(encryption),
    ...customerKey(encryption),
  };
}

/** SSE-C: the key goes with every request that reads or writes. */
export function customerKey(encryption: ServerSideEncryption | undefined): {
  SSECustomerAlgorithm?: string;
  SSECustomerKey?: string;
} {
  if (encryption?.kind !== 'customer') return {};
  const key = Buffer.from(encryption.key).toString('base64');
  // The SDK adds its MD5.
  return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key };
}

function storeEncryption(encryption: ServerSideEncryption | undefined): {
  ServerSideEncryption?: 'AES256' | 'aws:kms';
  SSEKMSKeyId?: string;
} {
  if (!encryption || encryption.kind === 'customer') return {};
  const { kind } = encryption;
  if (kind === 'AES256' || encryption.keyId === undefined) return { ServerSideEncryption: kind };
  return { ServerSideEncryption: kind, SSEKMSKeyId: encryption.keyId };
}

function tagging(tags: readonly string[]): string {
  const pairs = tags.map((tag) => {
    const at = tag.indexOf('=');
    return [tag.slice(0, at), tag.slice(at + 1)] as [string, string];
  });
  return new URLSearchParams(pairs).toString();
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 24 * 60 * 60 * 1000);
}
