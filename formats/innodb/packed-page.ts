import { readU16be, readU32be } from './big-endian.ts';
import { filHeader, fullCrc32FilHeader } from './fil-header.ts';
import {
  mysqlCompressedEncryptedType,
  mysqlCompressedType,
  mysqlEncryptedRtreeType,
  mysqlEncryptedType,
  pageCompressedEncryptedType,
  pageCompressedType,
  rtreeType,
} from './page-type.ts';
import type { SpaceFormat } from './space-format.ts';

/** Set in the type of a compressed page of the `full_crc32` format; the rest is its size. */
const fullCrc32CompressedBit = 0x8000;

type Rules = Pick<SpaceFormat, 'flavour' | 'fullCrc32'>;

/** A page squeezed by page compression: behind its data it is zero, and a hole where it can be. */
export function isPageCompressed(page: Uint8Array, { flavour, fullCrc32 }: Rules): boolean {
  const type = readU16be(page, filHeader.offset.type);
  if (fullCrc32) return (type & fullCrc32CompressedBit) !== 0;
  return flavour === 'mysql'
    ? type === mysqlCompressedType || type === mysqlCompressedEncryptedType
    : type === pageCompressedType || type === pageCompressedEncryptedType;
}

/** An encrypted page, as its own header tells. */
export function isPageEncrypted(page: Uint8Array, { flavour, fullCrc32 }: Rules): boolean {
  if (fullCrc32) return readU32be(page, fullCrc32FilHeader.offset.keyVersion) !== 0;
  const type = readU16be(page, filHeader.offset.type);
  if (flavour === 'mysql') {
    return (
      type === mysqlEncryptedType ||
      type === mysqlCompressedEncryptedType ||
      type === mysqlEncryptedRtreeType
    );
  }
  if (type === pageCompressedEncryptedType) return true;
  return type !== rtreeType && readU32be(page, filHeader.offset.keyVersion) !== 0;
}
