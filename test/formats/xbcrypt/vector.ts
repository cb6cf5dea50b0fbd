import { readFileSync } from 'node:fs';

export const key = new TextEncoder().encode('percona_xtrabackup_is_awesome___');
export const iv = Uint8Array.from({ length: 16 }, (_, index) => index);
export const plaintext = new TextEncoder().encode('hello');

/** A chunk made with openssl; see `formats/xbcrypt/vectors/make.sh`. */
export function vector(name: string): Uint8Array {
  const text = readFileSync(`formats/xbcrypt/vectors/${name}.hex`, 'utf8').trim();
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
