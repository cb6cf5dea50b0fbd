import type { SpaceFormat } from './space-format.ts';
import { invalidSpaceFlags } from './invalid-space-flags.ts';

const postAntelope = 1 << 0;
const atomicBlobs = 1 << 5;

/** Largest page in the file for ROW_FORMAT=COMPRESSED, and largest page it is possible with. */
const zipSizeMax = 16384;

/** Page size codes; 16 KiB is 5 in `full_crc32` and 0 everywhere else. */
export const pageSizeByCode: Readonly<Record<number, number>> = {
  3: 4096,
  4: 8192,
  5: 16384,
  6: 32768,
  7: 65536,
};

/**
 * Bits 0 to 9 of the flags, which MySQL and the older format of MariaDB share. Throws a
 * FormatError of kind `invalid` for what neither writes.
 */
export function parseSpaceSizes(
  flags: number,
): Pick<SpaceFormat, 'pageSize' | 'physicalPageSize' | 'zip'> {
  const sizeCode = (flags >>> 6) & 15;
  const pageSize = sizeCode === 0 ? 16384 : pageSizeByCode[sizeCode];
  if (pageSize === undefined || sizeCode === 5) {
    throw invalidSpaceFlags(flags, `page size code ${sizeCode}`);
  }
  const zipCode = (flags >>> 1) & 15;
  if (zipCode === 0) return { pageSize, physicalPageSize: pageSize, zip: false };
  const physicalPageSize = 512 << zipCode;
  if (physicalPageSize > Math.min(pageSize, zipSizeMax) || pageSize > zipSizeMax) {
    throw invalidSpaceFlags(flags, `zip page of ${physicalPageSize} bytes in pages of ${pageSize}`);
  }
  if ((flags & (postAntelope | atomicBlobs)) !== (postAntelope | atomicBlobs)) {
    throw invalidSpaceFlags(flags, 'zip pages without the row format they need');
  }
  return { pageSize, physicalPageSize, zip: true };
}
