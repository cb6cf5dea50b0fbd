import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { type EndRecord, encodeEnd } from './end.ts';

const purposes = { seal: 'xbpipe archive records 1', check: 'xbpipe key check 1' } as const;
const checkBytes = 16;
const sealKeyBytes = 32;

/** What the begin record says of the key: the right one gives it again. Hex. */
export function keyCheckOf(key: Uint8Array, backupId: string): string {
  return derive(key, backupId, 'check', checkBytes).toString('hex');
}

/**
 * HMAC-SHA-256 of an end record (its own `hmac` null) and the begin record, hex, under a key
 * derived with HKDF from the one that the members are encrypted with: see archive-record.md.
 */
export function sealOf(key: Uint8Array, end: EndRecord, begin: Uint8Array): string {
  return createHmac('sha256', derive(key, end.backupId, 'seal', sealKeyBytes))
    .update(encodeEnd({ ...end, hmac: undefined }))
    .update(begin)
    .digest('hex');
}

/** True when whoever wrote these records had the key. */
export function isSealed(key: Uint8Array, end: EndRecord, begin: Uint8Array): boolean {
  const found = Buffer.from(end.hmac ?? '', 'hex');
  const wanted = Buffer.from(sealOf(key, end, begin), 'hex');
  return found.length === wanted.length && timingSafeEqual(found, wanted);
}

function derive(
  key: Uint8Array,
  backupId: string,
  purpose: keyof typeof purposes,
  bytes: number,
): Buffer {
  return Buffer.from(hkdfSync('sha256', key, backupId, purposes[purpose], bytes));
}
