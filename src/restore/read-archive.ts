import { BackupError } from '../errors.ts';
import type { BeginRecord } from '../../formats/archive-record/index.ts';
import { ArchiveChecker, type ArchiveSummary } from '../archive/archive-checker.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { MemberFilter } from './member-filter.ts';
import type { MemberOutput } from './member-output.ts';
import type { NamePatterns } from './name-patterns.ts';
import { type PlaceOptions, placeMembers } from './place-members.ts';

export interface ReadOptions extends PlaceOptions {
  anyArchive?: boolean;
  /** Of an encrypted backup, to check who wrote it, whether or not members are decrypted. */
  key?: Uint8Array | undefined;
  /** The members that the output gets; all of them unless told. At least one must match. */
  include?: NamePatterns | undefined;
  /** Have the members noted, as an index lists them: see `ArchiveSummary`. */
  listing?: boolean;
  /** Called once, with the begin record of an archive that has one, before anything is written. */
  onBegin?: (begin: BeginRecord) => Promise<void>;
  /** Called with the archive bytes taken so far. */
  onProgress?: (archiveBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Gives an archive's members to an output and returns once the archive is proved
 * whole. Until then nothing that came out of it is worth anything.
 */
export async function readArchive(
  source: ByteSource,
  output: MemberOutput,
  options: ReadOptions,
): Promise<ArchiveSummary> {
  const { anyArchive = false, key, needKey = false, listing, onCut, include } = options;
  const { promised } = source;
  const judging = { anyArchive, key, needKey, listing, promised, onCut };
  const checker = new ArchiveChecker(judging);
  const filter = include && new MemberFilter(include);
  return await placeMembers(output, options, async (placer) => {
    let archiveBytes = 0;
    let begun = false;
    for await (const bytes of source.bytes) {
      options.signal?.throwIfAborted();
      for (const event of checker.push(bytes)) {
        if (!begun && checker.begin) {
          begun = true;
          requireBackup(source, checker.begin);
          await options.onBegin?.(checker.begin);
        }
        if (!filter || filter.passes(event)) await placer.take(event);
      }
      archiveBytes += bytes.length;
      options.onProgress?.(archiveBytes);
    }
    const summary = checker.end();
    requireBackup(source, summary.begin);
    include?.requireMatch();
    return summary;
  });
}

/** A whole archive may still be another one than the manifest is of. */
function requireBackup({ name, backupId }: ByteSource, begin: BeginRecord | undefined): void {
  if (backupId === undefined || begin?.backupId === backupId) return;
  throw new BackupError('corrupt', `${name} is of another backup than its manifest`, {
    where: { path: name },
  });
}
