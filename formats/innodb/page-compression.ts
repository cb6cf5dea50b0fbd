/**
 * Codes of the algorithms behind `page_compressed=1` (MariaDB): in the space flags of
 * `full_crc32`, and in the page itself in the older format.
 */
export const pageCompressionAlgorithms = [
  'none',
  'zlib',
  'lz4',
  'lzo',
  'lzma',
  'bzip2',
  'snappy',
] as const;

export type PageCompression = (typeof pageCompressionAlgorithms)[number];
