import { closeSync, openSync, readSync } from 'node:fs';
import { isKeyLength } from '../../formats/xbcrypt/index.ts';
import { BackupError, toBackupError } from '../errors.ts';

/** Where a key can come from. */
export interface KeyValues {
  encryptKey?: string | undefined;
  encryptKeyFile?: string | undefined;
}

/** A key, and what is odd about how it was given. */
export interface GivenKey {
  key: Uint8Array;
  warnings: string[];
}

/** Enough to see that a file is no key. */
const readBytesMax = 4096;

/**
 * The key that options name: the bytes of the file, all of them, or of the argument; neither is
 * ever decoded. `algorithm` (`AES256`) is what was asked for: AES goes by the length of the key.
 */
export function givenKey(
  { encryptKey: text, encryptKeyFile: file }: KeyValues,
  algorithm?: string,
): GivenKey | undefined {
  if (text !== undefined && file !== undefined) {
    throw new BackupError('usage', 'both --encrypt-key and --encrypt-key-file are given');
  }
  if (text === undefined && file === undefined) return undefined;
  const key = file === undefined ? Buffer.from(text ?? '', 'utf8') : readKeyFile(file);
  checkKeyLength(key, file);
  const warnings: string[] = [];
  if (text !== undefined) {
    warnings.push('others can see a key on the command line; use --encrypt-key-file');
  }
  if (algorithm !== undefined && key.length * 8 !== Number(algorithm.slice(3))) {
    warnings.push(`a key of ${key.length} bytes means AES${key.length * 8}, not ${algorithm}`);
  }
  return { key, warnings };
}

function checkKeyLength(key: Uint8Array, file: string | undefined): void {
  if (isKeyLength(key.length)) return;
  const newline = key.at(-1) === 0x0a && isKeyLength(key.length - 1);
  const where = file === undefined ? 'the key' : `key file ${file}`;
  const hint = newline
    ? 'the newline at the end of the file counts as a byte of the key; write the file without it'
    : 'keys are taken as they are, not as hex or base64';
  const message = `${where} has ${key.length} bytes: AES takes 16, 24 or 32`;
  throw new BackupError('usage', message, { hint });
}

function readKeyFile(path: string): Uint8Array {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(readBytesMax);
      let length = 0;
      for (let read = 1; read > 0 && length < readBytesMax; length += read) {
        read = readSync(fd, bytes, length, readBytesMax - length, null);
      }
      return bytes.subarray(0, length);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}
