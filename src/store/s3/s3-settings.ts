/** How the store proves that what arrived is what was sent. */
export type S3Checksum = 'crc32' | 'md5' | 'none';

/** How to reach a bucket, and how objects in it are kept. */
export interface S3Settings {
  /** Of a store that is not AWS. */
  endpoint?: string | undefined;
  region?: string | undefined;
  /** The bucket in the path instead of the host name; undefined: so where an endpoint is given. */
  pathStyle?: boolean | undefined;
  /** Certificates to trust besides the system's, PEM. */
  caFile?: string | undefined;
  /** False: believe any certificate. */
  verifyTls: boolean;
  storageClass?: string | undefined;
  encryption?: ServerSideEncryption | undefined;
  objectLock?: { mode: 'GOVERNANCE' | 'COMPLIANCE'; days: number } | undefined;
  legalHold: boolean;
  /** Each `name=value`. */
  tags: readonly string[];
  /** Undefined: CRC-32 on AWS, MD5 elsewhere, which every store understands. */
  checksum?: S3Checksum | undefined;
  /** Bytes of every part but the last. */
  partBytes: number;
  /** Parts of one object; the archive goes on in another one then. */
  partsMax: number;
  /** Parts in memory: under way, and the one that is filled. */
  parallel: number;
  retriesMax: number;
  backoffMsMax: number;
  /** Longest silence of a connection, milliseconds. */
  timeoutMs: number;
}

/** What the store encrypts objects with. */
export type ServerSideEncryption =
  | { kind: 'AES256' }
  | { kind: 'aws:kms'; keyId: string | undefined }
  /** SSE-C: 32 bytes, which the store does not keep. */
  | { kind: 'customer'; key: Uint8Array };

const mebibyte = 1024 * 1024;

/** What Amazon's S3 takes, bytes and counts; stores that are like it take no more. */
export const s3Limits = {
  partBytesMin: 5 * mebibyte,
  /** 5 GiB; but parts are held in memory. */
  partBytesMax: 512 * mebibyte,
  partsMax: 10_000,
} as const;

export const s3Defaults = {
  partBytes: 16 * mebibyte,
  partsMax: s3Limits.partsMax,
  parallel: 3,
  retriesMax: 10,
  backoffMsMax: 300_000,
  timeoutMs: 120_000,
} as const;
