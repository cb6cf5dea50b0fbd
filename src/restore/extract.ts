import type { ArchiveSummary } from '../archive/archive-checker.ts';
import type { ArchiveIndex } from '../archive/archive-index.ts';
import { MemberFiles } from '../sink/member-files.ts';
import type { StagedDirectory } from '../sink/staged-directory.ts';
import type { ArchiveObjects } from '../source/archive-objects.ts';
import type { ByteSource } from '../source/byte-source.ts';
import type { NamePatterns } from './name-patterns.ts';
import { type ReadOptions, readArchive } from './read-archive.ts';
import { type ReadMembersOptions, readMembers } from './read-members.ts';

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

/** As `extract`, but reads no more of an archive than the members that `include` asks for. */
export async function extractMembers(
  archive: ArchiveObjects,
  index: ArchiveIndex,
  include: NamePatterns,
  directory: StagedDirectory,
  options: ReadMembersOptions,
): Promise<void> {
  const wanted = index.members.filter(({ path }) => include.match(path));
  include.requireMatch();
  await readMembers(archive, index, wanted, new MemberFiles(directory), options);
}
