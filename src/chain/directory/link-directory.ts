import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  deltaName,
  metaName,
  isDeltaName,
  fileOfDelta,
  fileOfMeta,
} from '../../../formats/delta/index.ts';
import { decodeDeltaMeta, isIncremental } from '../../../formats/metadata/index.ts';
import { toSafeNumber } from '../../../formats/layout.ts';
import { droppedFiles } from '../../archive/dropped-files.ts';
import { BackupError } from '../../errors.ts';
import { type BackupDirectory, readBackupDirectory } from '../../restore/backup-directory.ts';
import { readState } from '../../restore/overlay-state.ts';
import { readRecord } from '../../restore/read-record.ts';
import { wasPrepared } from '../../restore/refuse-prepared.ts';
import { type RestoreCourse, restoreCourse } from '../../restore/restore-course.ts';
import { plainPath } from '../../transform/member-decoder.ts';
import type { LinkFacts } from '../check-chain.ts';

/** A link of a chain that lies extracted in a directory. */
export interface LinkDirectory {
  path: string;
  backup: BackupDirectory;
  course: RestoreCourse;
  facts: LinkFacts;
}

/** A `.delta` file of an increment in a directory. */
export interface DeltaFile {
  /** Path of the data file that its pages are of. */
  file: string;
  spaceId: number;
  /** Bytes of a page in the file. */
  pageSize: number;
  /** Bytes of the data file; undefined in an increment of another tool. */
  size: number | undefined;
}

/** What an increment in a directory consists of. */
export interface IncrementFiles {
  deltas: DeltaFile[];
  /** Paths of everything else. */
  others: string[];
}

/** Reads what a directory says of its backup, of ours or of a stock tool. */
export async function readLinkDirectory(path: string, signal: AbortSignal): Promise<LinkDirectory> {
  const backup = readBackupDirectory(path);
  const course = restoreCourse(backup);
  const { begin, checkpoints, lastLsn, flavour, uuid, options } = backup;
  const fromLsn = toSafeNumber(checkpoints.fromLsn, 'checkpoints > from_lsn', 0);
  const facts = begin ?? {
    backupId: uuid,
    parentId: undefined,
    sinceLsn: isIncremental(checkpoints) ? fromLsn : undefined,
    redoStart: hasOwnRedo(backup) ? (await course.checkRedo(backup, signal)).checkpointLsn : 0,
    flavour,
    pageSize: Number(options.u64('innodb_page_size') ?? 16_384n),
    serverId: undefined,
  };
  return { path, backup, course, facts: { name: path, begin: facts, lastLsn } };
}

/** Half-way to another backup, or recovered, the redo is no longer its own; nothing is judged by it. */
function hasOwnRedo(backup: BackupDirectory): boolean {
  return !wasPrepared(backup) && !readState(backup.path);
}

/** Every file of a backup, as paths in it. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(directory, '/').length))
    .sort();
}

/**
 * Every file of a backup, none of which may be encoded any more. Beside the file that was made of it
 * an encoded one does not count: other tools leave it there.
 */
export function decodedFiles(directory: string): string[] {
  const all = filesBelow(directory);
  const known = new Set(all);
  return all.filter((member) => {
    const plain = plainPath(member);
    if (!known.has(plain)) throw stillEncoded(join(directory, member));
    return plain === member;
  });
}

/**
 * What lies in the directory of an increment; a file that a `.del` says to be gone is left out.
 * Refused are halves: what is not told of here would be removed from the full backup.
 */
export function incrementFiles({ path, backup }: LinkDirectory): IncrementFiles {
  const all = new Set(decodedFiles(path));
  const sizes = new Map(
    backup.members?.map(({ path: member, delta }) => [plainPath(member), delta?.fileSize]) ?? [],
  );
  const deltas: DeltaFile[] = [];
  const taken = droppedFiles(all);
  for (const member of all) {
    if (!isDeltaName(member)) continue;
    const file = fileOfDelta(member);
    const meta = readRecord(join(path, metaName(file)), decodeDeltaMeta);
    if (!meta) throw withoutMeta(path, file);
    taken.add(member).add(metaName(file));
    const { spaceId, pageSize } = meta;
    deltas.push({ file, spaceId, pageSize, size: sizes.get(member) });
  }
  for (const member of all) {
    const file = fileOfMeta(member);
    if (file !== member && !taken.has(member) && !taken.has(file)) throw withoutDelta(path, file);
  }
  const kept = deltas.filter(({ file }) => !taken.has(file));
  requireOnce(path, kept);
  return { deltas: kept, others: [...all].filter((member) => !taken.has(member)) };
}

function requireOnce(path: string, deltas: readonly DeltaFile[]): void {
  const seen = new Map<number, string>();
  for (const { file, spaceId } of deltas) {
    const twin = spaceId === 0 ? undefined : seen.get(spaceId);
    seen.set(spaceId, file);
    if (twin === undefined) continue;
    const fault = `${path}: ${deltaName(twin)} and ${deltaName(file)} have one space id, ${spaceId}`;
    throw new BackupError('chain', fault, { where: { path } });
  }
}

function withoutMeta(path: string, file: string): BackupError {
  const missing = join(path, metaName(file));
  return new BackupError(
    'corrupt',
    `${missing} is missing: whose pages ${deltaName(file)} has is not known`,
    {
      where: { path: missing },
    },
  );
}

function withoutDelta(path: string, file: string): BackupError {
  const missing = join(path, deltaName(file));
  return new BackupError('incomplete', `${missing} is missing: its ${metaName(file)} is there`, {
    where: { path: missing },
  });
}

function stillEncoded(path: string): BackupError {
  return new BackupError('incomplete', `${path} is still encoded`, {
    hint: 'decompress and decrypt every file of the backup first',
    where: { path },
  });
}
