import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BeginRecord,
  type MemberEntry,
  beginName,
  encodeBegin,
  encodeIndex,
  indexName,
} from '../../formats/archive-record/index.ts';
import {
  acceptedNames,
  backupTypes,
  decodeCheckpoints,
  decodeInfo,
  encodeCheckpoints,
  encodeInfo,
} from '../../formats/metadata/index.ts';
import { readFirst } from '../restore/read-record.ts';
import { replaceFile } from '../store/replace-file.ts';

/** A file of a backup that lies in a directory, as an index lists it. */
export type ListedFile = Pick<MemberEntry, 'path' | 'spaceId' | 'pageSize' | 'size'>;

/** A type that no tool knows. */
const halfLaid = 'half-laid-by-xbpipe';

/** What the records are of. */
export interface FullBackup {
  /** That of the newest link; undefined where it is not ours. */
  begin: BeginRecord | undefined;
  /** Where the metadata files of the newest link are: in the directory itself unless told. */
  metadataFrom?: string;
  files: readonly ListedFile[];
}

/**
 * Lets the files that a chain made pass for what they are: a full backup, as new as its newest
 * link. The checkpoints come last: they are what makes a directory a backup.
 */
export function writeFullRecords(
  directory: string,
  { begin, metadataFrom = directory, files }: FullBackup,
): void {
  if (begin) writeOurs(directory, begin, files);
  else for (const name of [beginName, indexName]) rmSync(join(directory, name), { force: true });
  const rewrite = { from: metadataFrom, to: directory };
  rewriteFirst(acceptedNames.info, rewrite, decodeInfo, (info) =>
    encodeInfo({ ...info, incremental: false, innodbFromLsn: 0n }),
  );
  rewriteFirst(acceptedNames.checkpoints, rewrite, decodeCheckpoints, (checkpoints) =>
    encodeCheckpoints({ ...checkpoints, backupType: backupTypes.full, fromLsn: 0n }),
  );
}

/** Lets a directory that is half-way to another backup pass for none, whichever tool looks at it. */
export function writeHalfRecords(directory: string): void {
  const rewrite = { from: directory, to: directory };
  rewriteFirst(acceptedNames.checkpoints, rewrite, decodeCheckpoints, (checkpoints) =>
    encodeCheckpoints({ ...checkpoints, backupType: halfLaid }),
  );
}

/** Files that are not copied from a link to a full backup: they are written anew. */
export function isRewritten(path: string): boolean {
  const names = [...acceptedNames.info, ...acceptedNames.checkpoints, beginName, indexName];
  return names.includes(path);
}

function writeOurs(directory: string, begin: BeginRecord, files: readonly ListedFile[]): void {
  const listed = files
    .filter(({ path }) => !isRewritten(path))
    .map(({ path, spaceId, pageSize, size }): MemberEntry => {
      return { path, spaceId, pageSize, size, chunks: [] };
    });
  // The index first: a begin record without one is no backup.
  replaceFile(join(directory, indexName), Buffer.concat([...encodeIndex(begin.backupId, listed)]));
  const full: BeginRecord = { ...begin, parentId: undefined, sinceLsn: undefined };
  replaceFile(join(directory, beginName), encodeBegin(full));
}

/** The first of these files that is there. */
function rewriteFirst<T>(
  names: readonly string[],
  { from, to }: { from: string; to: string },
  decode: (bytes: Uint8Array) => T,
  encode: (value: T) => Uint8Array,
): void {
  const found = readFirst(from, names, decode);
  if (found) replaceFile(join(to, found.name), encode(found.value));
}
