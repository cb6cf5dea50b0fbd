import { invalidSpaceFlags } from './invalid-space-flags.ts';
import { pageCompressionAlgorithms } from './page-compression.ts';
import type { SpaceFormat } from './space-format.ts';
import { pageSizeByCode, parseSpaceSizes } from './space-sizes.ts';

const fullCrc32Marker = 1 << 4;
const fullCrc32Mask = 0xff;
const pageCompressedBit = 1 << 16;
const olderMask = 0x1_03ff;

/**
 * Reads the flags of a MariaDB tablespace (u32 BE at byte 54 of page 0). A FormatError of
 * kind `invalid` names flags that no MariaDB 10.4 or later writes. Format: space-flags.md.
 */
export function parseSpaceFlags(flags: number): SpaceFormat {
  return (flags & fullCrc32Marker) === 0 ? parseOlder(flags) : parseFullCrc32(flags);
}

function parseFullCrc32(flags: number): SpaceFormat {
  if (flags > fullCrc32Mask) throw invalidSpaceFlags(flags, 'reserved bits are set');
  const pageSize = pageSizeByCode[flags & 15];
  if (pageSize === undefined) throw invalidSpaceFlags(flags, `page size code ${flags & 15}`);
  const algorithm = pageCompressionAlgorithms[flags >>> 5];
  if (algorithm === undefined) {
    throw invalidSpaceFlags(flags, `compression algorithm ${flags >>> 5}`);
  }
  return {
    flavour: 'mariadb',
    fullCrc32: true,
    pageSize,
    physicalPageSize: pageSize,
    zip: false,
    pageCompressed: algorithm === 'none' ? false : algorithm,
    encrypted: undefined,
  };
}

function parseOlder(flags: number): SpaceFormat {
  if ((flags & ~olderMask) !== 0) throw invalidSpaceFlags(flags, 'reserved bits are set');
  const sizes = parseSpaceSizes(flags);
  const pageCompressed = (flags & pageCompressedBit) !== 0;
  if (sizes.zip && pageCompressed) throw invalidSpaceFlags(flags, 'both zip and page_compressed');
  return {
    flavour: 'mariadb',
    fullCrc32: false,
    ...sizes,
    pageCompressed,
    encrypted: undefined,
  };
}
