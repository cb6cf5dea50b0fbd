/** The library: what the commands are made of. The formats are exported as `xbpipe/formats/<name>`. */
export { ArchiveChecker, type ArchiveSummary } from './archive/archive-checker.ts';
export { ArchiveDirectory } from './archive/archive-directory.ts';
export { ArchiveWriter } from './archive/archive-writer.ts';
export { guard } from './archive/guard.ts';
export type { MemberInfo, MemberStore, MemberWriter } from './archive/member-store.ts';
export { type BackupOptions, type BackupResult, backup } from './backup/backup.ts';
export { BackupError, type FailureCode, failures } from './errors.ts';
export type { Progress, Reporter } from './reporter.ts';
export { type ExtractOptions, extract } from './restore/extract.ts';
export { type PrepareOptions, prepare } from './restore/prepare.ts';
export { type RestoreOptions, restore } from './restore/restore.ts';
export type { Access, Tls, TlsMode } from './server/session.ts';
export type { ByteSink } from './sink/byte-sink.ts';
export { DirectoryStore } from './sink/directory-store.ts';
export { FileSink } from './sink/file-sink.ts';
export { StagedDirectory } from './sink/staged-directory.ts';
export { type ByteSource, openFileSource, openStdin } from './source/byte-source.ts';
export { version } from './version.ts';
