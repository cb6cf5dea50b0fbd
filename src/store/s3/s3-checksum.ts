import { createHash } from 'node:crypto';
import { crc32 } from '../../../formats/crc.ts';
import { TransferError } from './s3-failure.ts';
import type { S3Checksum } from './s3-settings.ts';

/** What goes with bytes so that the store can prove them, in base64 as S3 wants it. */
export interface SentChecksum {
  ContentMD5?: string;
  ChecksumCRC32?: string;
}

/** What a store says of the bytes that it took. */
export interface TakenChecksum {
  ETag?: string | undefined;
  ChecksumCRC32?: string | undefined;
  /** How it encrypts them, by our wish or by a rule of the bucket. */
  ServerSideEncryption?: string | undefined;
  SSECustomerAlgorithm?: string | undefined;
}

export function checksumOf(kind: S3Checksum, bytes: Uint8Array): SentChecksum {
  if (kind === 'md5') return { ContentMD5: createHash('md5').update(bytes).digest('base64') };
  if (kind === 'none') return {};
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return { ChecksumCRC32: crc.toString('base64') };
}

/**
 * Holds what the store says it took against what was sent. An ETag is the MD5 of the bytes, but
 * where the store encrypts with keys of its own service or of the customer.
 */
export function requireTaken(sent: SentChecksum, taken: TakenChecksum): void {
  const etag = unquoted(taken.ETag) ?? '';
  const { ServerSideEncryption: encryption = 'AES256', SSECustomerAlgorithm } = taken;
  const hasMd5 = encryption === 'AES256' && SSECustomerAlgorithm === undefined;
  if (sent.ContentMD5 !== undefined && hasMd5 && /^[0-9a-f]{32}$/.test(etag)) {
    const md5 = Buffer.from(sent.ContentMD5, 'base64').toString('hex');
    if (md5 !== etag) throw new TransferError(`the store took bytes of MD5 ${etag}, not ${md5}`);
  }
  const { ChecksumCRC32: crc } = sent;
  if (crc === undefined || taken.ChecksumCRC32 === undefined) return;
  if (crc !== taken.ChecksumCRC32) {
    throw new TransferError(`the store took bytes of CRC-32 ${taken.ChecksumCRC32}, not ${crc}`);
  }
}

/** An ETag without the quotation marks that it comes in. */
export function unquoted(etag: string | undefined): string | undefined {
  return etag?.replaceAll('"', '');
}
