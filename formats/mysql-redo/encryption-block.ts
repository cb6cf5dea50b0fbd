import { FormatError } from '../format-error.ts';
import { layout, raw, type Layout } from '../layout.ts';

// Header block 2 of a MySQL 8.0.30+ redo file: the wrapped key of an encrypted log. It is
// carried as it is and never opened. Described in encryption-block.md.

const table = {
  before: [raw(48), 'zeros'],
  magic: [raw(3), '"lCC" ("lCA" and "lCB" in older versions)'],
  masterKeyId: [raw(4), 'id of the master key in the keyring'],
  serverUuid: [raw(36), "uuid of the server, a part of the master key's name"],
  wrappedKey: [raw(64), 'key and initial vector, encrypted with the master key'],
  keyCrc: [raw(4), 'CRC-32C of key and initial vector in clear'],
  behind: [raw(353), 'zeros; unlike the other blocks this one has no checksum'],
} as const;

/** Table of the encryption block: 512 bytes. */
export const encryptionBlockTable: Layout<typeof table> = layout('redo encryption block', table);

/** File offset of the encryption block. */
export const encryptionBlockOffset = 1024;

/**
 * The encryption block out of the first 2048 bytes of a redo file, 512 bytes as they are (a view);
 * `undefined` when it is all zero: the log was never encrypted.
 * FormatError: `truncated` with fewer bytes; `invalid` when there is something else.
 */
export function encryptionBlock(header: Uint8Array): Uint8Array | undefined {
  const { before, magic, behind } = encryptionBlockTable.decode(header, encryptionBlockOffset);
  const end = encryptionBlockOffset + encryptionBlockTable.size;
  const block = header.subarray(encryptionBlockOffset, end);
  if (isZero(block)) return undefined;
  if (!/^lC[ABC]$/.test(String.fromCharCode(...magic))) throw broken('magic', 'no known magic');
  if (!isZero(before)) throw broken('before', 'not all zero');
  if (!isZero(behind)) throw broken('behind', 'not all zero');
  return block;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function broken(field: keyof typeof table, message: string): FormatError {
  const { name, offset } = encryptionBlockTable;
  return new FormatError(
    'invalid',
    `${name} > ${field}`,
    encryptionBlockOffset + offset[field],
    message,
  );
}
