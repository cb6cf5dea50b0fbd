export { isBlankPage } from './blank-page.ts';
export { isDoublewriteArea } from './doublewrite-area.ts';
export { extentPages } from './extent.ts';
export { filHeader, fullCrc32FilHeader, noPage } from './fil-header.ts';
export { filTrailer, fullCrc32FilTrailer } from './fil-trailer.ts';
export {
  fspHeader,
  fspHeaderOffset,
  readSpaceHeader,
  spaceHeaderBytes,
  type SpaceHeader,
} from './fsp-header.ts';
export { legacyChecksum, legacyTrailerChecksum, legacyZipChecksum } from './legacy-checksum.ts';
export { spaceFlagsOffset } from './invalid-space-flags.ts';
export { mysqlCompressedHeader } from './mysql-compressed-header.ts';
export { parseMysqlSpaceFlags } from './mysql-space-flags.ts';
export { createPageCheck, type PageCheck, type PageCheckOptions } from './page-check.ts';
export { crc32Checksum, zipChecksum } from './page-checksum.ts';
export { pageCompressedHeader } from './page-compressed-header.ts';
export { pageCompressionAlgorithms, type PageCompression } from './page-compression.ts';
export { isPageCompressed, isPageEncrypted } from './packed-page.ts';
export { describePageFault, type PageFault, type PageRule } from './page-fault.ts';
export { pageLsn, pageLsnNumber } from './page-lsn.ts';
export { describePageType, mariadbPageTypes, mysqlPageTypes, pageTypes } from './page-type.ts';
export { parseSpaceFlags } from './space-flags.ts';
export type { SpaceFormat } from './space-format.ts';
export { isUnproven } from './unproven.ts';
