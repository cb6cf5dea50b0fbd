export type { Flavour } from './flavour.ts';
export { beginName, endName, indexName, isIndexName, recordFormat } from './names.ts';
export {
  type BeginRecord,
  type PageTracking,
  beginBytesMax,
  decodeBegin,
  encodeBegin,
  isIncrement,
} from './begin.ts';
export { type EndRecord, decodeEnd, encodeEnd, endBytes } from './end.ts';
export { isSealed, keyCheckOf, sealOf } from './seal.ts';
export { type PageRun, PageRunsEncoder, decodePageRuns } from './page-runs.ts';
export {
  type DeltaContent,
  type MemberEntry,
  decodeIndex,
  encodeIndex,
  indexBytesMax,
  numbersPerChunk,
  pagesBytesMax,
} from './member-index.ts';
export {
  type SystemFile,
  decodeSystemFiles,
  encodeSystemFiles,
  systemFilesName,
} from './system-files.ts';
export {
  type Manifest,
  archiveName,
  archiveNameOf,
  decodeManifest,
  encodeManifest,
  isArchiveName,
  manifestBytesMax,
  manifestName,
} from './manifest.ts';
