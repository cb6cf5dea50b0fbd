import { FormatError } from '../format-error.ts';
import { pageCompressionAlgorithms, type PageCompression } from './page-compression.ts';

/**
 * What the flags of a tablespace say about the shape of its pages. MariaDB's flags; MySQL
 * gives bits 10 to 14 other meanings and needs a parser of its own that returns this type.
 * Format: space-flags.md.
 */
export interface SpaceFormat {
  /** Checksum at the end of the page over everything before it (MariaDB 10.4 and later). */
  readonly fullCrc32: boolean;
  /** Bytes of a page in the buffer pool. */
  readonly pageSize: number;
  /** Bytes of a page in the file: smaller for ROW_FORMAT=COMPRESSED. */
  readonly physicalPageSize: number;
  /** ROW_FORMAT=COMPRESSED. */
  readonly zip: boolean;
  /**
   * `page_compressed=1`: the algorithm, or `true` in the older format, where each page names
   * its own. Pages written before the last ALTER TABLE may be otherwise: ask the page.
   */
  readonly pageCompressed: boolean | PageCompression;
}

/** Where the flags stand in page 0. */
export const spaceFlagsOffset = 54;

const fullCrc32Marker = 1 << 4;
const fullCrc32Mask = 0xff;
const postAntelope = 1 << 0;
const atomicBlobs = 1 << 5;
const pageCompressedBit = 1 << 16;
const olderMask = 0x1_03ff;

/** Page size codes of both formats; 16 KiB is 5 in `full_crc32` and 0 in the older format. */
const pageSizeByCode: Readonly<Record<number, number>> = {
  3: 4096,
  4: 8192,
  5: 16384,
  6: 32768,
  7: 65536,
};

/**
 * Reads the flags of a MariaDB tablespace (u32 BE at byte 54 of page 0). A FormatError of
 * kind `invalid` names flags that no MariaDB 10.4 or later writes.
 */
export function parseSpaceFlags(flags: number): SpaceFormat {
  return (flags & fullCrc32Marker) === 0 ? parseOlder(flags) : parseFullCrc32(flags);
}

function parseFullCrc32(flags: number): SpaceFormat {
  if (flags > fullCrc32Mask) throw invalid(flags, 'reserved bits are set');
  const pageSize = pageSizeByCode[flags & 15];
  if (pageSize === undefined) throw invalid(flags, `page size code ${flags & 15}`);
  const algorithm = pageCompressionAlgorithms[flags >>> 5];
  if (algorithm === undefined) throw invalid(flags, `compression algorithm ${flags >>> 5}`);
  return {
    fullCrc32: true,
    pageSize,
    physicalPageSize: pageSize,
    zip: false,
    pageCompressed: algorithm === 'none' ? false : algorithm,
  };
}

function parseOlder(flags: number): SpaceFormat {
  if ((flags & ~olderMask) !== 0) throw invalid(flags, 'reserved bits are set');
  const sizeCode = (flags >>> 6) & 15;
  const pageSize = sizeCode === 0 ? 16384 : pageSizeByCode[sizeCode];
  if (pageSize === undefined || sizeCode === 5) throw invalid(flags, `page size code ${sizeCode}`);
  const zipCode = (flags >>> 1) & 15;
  const zip = zipCode !== 0;
  const physicalPageSize = zip ? 512 << zipCode : pageSize;
  if (physicalPageSize > Math.min(pageSize, 16384) && zip) {
    throw invalid(flags, `zip page of ${physicalPageSize} bytes in pages of ${pageSize}`);
  }
  if (zip && (flags & (postAntelope | atomicBlobs)) !== (postAntelope | atomicBlobs)) {
    throw invalid(flags, 'zip pages without the row format they need');
  }
  const pageCompressed = (flags & pageCompressedBit) !== 0;
  if (zip && pageCompressed) throw invalid(flags, 'both zip and page_compressed');
  return { fullCrc32: false, pageSize, physicalPageSize, zip, pageCompressed };
}

function invalid(flags: number, why: string): FormatError {
  const shown = `0x${(flags >>> 0).toString(16)}`;
  return new FormatError('invalid', 'FSP header > flags', spaceFlagsOffset, `${shown}: ${why}`);
}
