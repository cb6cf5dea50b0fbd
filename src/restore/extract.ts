import type { ArchiveSummary } from '../archive/archive-checker.ts';
import { MemberFiles } from '../sink/member-files.ts';
import type { StagedDirectory } from '../sink/staged-directory.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { type ReadOptions, readArchive } from './read-archive.ts';

/**
 * Brings an archive's members into a staged directory and returns once the
 * archive is proved whole. The caller commits the directory, or leaves it as a
 * partial one.
 */
export async function extract(
  source: ByteSource,
  directory: StagedDirectory,
  options: ReadOptions,
): Promise<ArchiveSummary> {
  return await readArchive(source, new MemberFiles(directory), options);
}
