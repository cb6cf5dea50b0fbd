import type { BeginRecord, MemberEntry } from '../../formats/archive-record/index.ts';
import type { ArchiveIndex } from '../archive/archive-index.ts';
import type { ArchiveObjects } from '../source/archive-objects.ts';

/** A backup of a chain, as its own records describe it. */
export interface ChainLink {
  /** What messages call it: a URL or a path. */
  name: string;
  begin: BeginRecord;
  /** LSN at which its redo ends, where that is known before it is read. */
  lastLsn?: number | undefined;
  members: readonly MemberEntry[];
}

/** A link that lies in an archive. */
export interface StoredLink extends ChainLink {
  archive: ArchiveObjects;
  index: ArchiveIndex;
}
