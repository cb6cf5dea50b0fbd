/**
 * What opens a chunk: the bytes of an AES key, or `none` for chunks that are
 * not encrypted (algorithm NONE), which must be asked for by name.
 */
export type XbcryptKey = Uint8Array | 'none';

/** The initial counter block of AES in CTR mode. */
export const ivBytes = 16;

const ciphers: Readonly<Record<number, string>> = {
  16: 'aes-128-ctr',
  24: 'aes-192-ctr',
  32: 'aes-256-ctr',
};

/** True for 16, 24 and 32. */
export function isKeyLength(length: number): boolean {
  return ciphers[length] !== undefined;
}

/**
 * The name of the cipher for this key. The length of the key decides, not the
 * algorithm that the user names: the reference tool works like that.
 * @throws RangeError when AES has no such key length.
 */
export function cipherOf(key: Uint8Array): string {
  const cipher = ciphers[key.length];
  if (cipher === undefined) {
    throw new RangeError(`a key of ${key.length} bytes: AES takes 16, 24 or 32`);
  }
  return cipher;
}
