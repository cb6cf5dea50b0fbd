import {
  copyFileSync,
  constants,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from '../../errors.ts';
import { systemFileNames } from '../../restore/backup-directory.ts';
import { syncDirectory } from '../../store/sync-directory.ts';
import {
  type ListedFile,
  isRewritten,
  writeFullRecords,
  writeHalfRecords,
} from '../full-records.ts';
import { layDelta } from './lay-delta.ts';
import {
  type IncrementFiles,
  type LinkDirectory,
  filesBelow,
  incrementFiles,
} from './link-directory.ts';
import { matchFiles } from './match-files.ts';
import {
  type OverlayState,
  overlayStateName,
  removeState,
  writeState,
} from '../../restore/overlay-state.ts';

/**
 * Makes a directory with a full backup one with a full backup as new as the increment, which it
 * only reads. It can be interrupted anywhere: what is done again gives the same, and the state file
 * says from where on.
 */
export async function layDirectory(
  base: LinkDirectory,
  increment: LinkDirectory,
  state: OverlayState | undefined,
  signal: AbortSignal,
): Promise<void> {
  const files = incrementFiles(increment);
  const { backupId } = increment.facts.begin;
  const { path } = base;
  if (state?.step !== 'laying') {
    writeState(path, { backupId, step: 'matching' });
    writeHalfRecords(path);
    base.course.resolveLeftovers(path);
    matchFiles(base, files.deltas, signal);
    await syncAll(path);
    writeState(path, { backupId, step: 'laying' });
  }
  let systemBytes = 0;
  for (const delta of files.deltas) {
    const pages = await layDelta(path, increment.path, delta, signal);
    if (delta.spaceId === 0) systemBytes = Math.max(systemBytes, pages * delta.pageSize);
  }
  if (!increment.backup.members) extendSystem(path, systemFileNames(increment.backup), systemBytes);
  removeOthers(path, files, signal);
  for (const member of files.others) {
    signal.throwIfAborted();
    if (!isRewritten(member)) await copyFile(join(increment.path, member), join(path, member));
  }
  await syncAll(path);
  signal.throwIfAborted();
  writeFullRecords(path, {
    begin: increment.backup.begin,
    metadataFrom: increment.path,
    files: listedFiles(path, files),
  });
  removeState(path);
}

/** By page 0 of its first file the system tablespace has so many bytes: the last file grows. */
function extendSystem(directory: string, names: readonly string[], bytes: number): void {
  const sizes = names.map((name) => statSync(join(directory, name)).size);
  const missing = bytes - sizes.reduce((sum, size) => sum + size, 0);
  const last = names.at(-1);
  if (missing <= 0 || last === undefined) return;
  truncateSync(join(directory, last), (sizes.at(-1) ?? 0) + missing);
}

/** What the increment has not is gone, and with it the directories of databases that were dropped. */
function removeOthers(
  directory: string,
  { deltas, others }: IncrementFiles,
  signal: AbortSignal,
): void {
  const kept = new Set([...deltas.map(({ file }) => file), ...others, overlayStateName]);
  for (const member of filesBelow(directory)) {
    if (kept.has(member) || isRewritten(member) || member.startsWith('lost+found/')) continue;
    signal.throwIfAborted();
    rmSync(join(directory, member));
  }
  const directories = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'lost+found')
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of directories.sort().toReversed()) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY')) throw error;
    }
  }
}

/** Never half of it, as the next run may need the file to go on. */
async function copyFile(from: string, to: string): Promise<void> {
  const unfinished = `${to}.tmp`;
  mkdirSync(dirname(to), { recursive: true, mode: 0o750 });
  copyFileSync(from, unfinished, constants.COPYFILE_FICLONE);
  const handle = await open(unfinished, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  renameSync(unfinished, to);
}

function listedFiles(directory: string, { deltas, others }: IncrementFiles): ListedFile[] {
  const sizeOf = (path: string): number => statSync(join(directory, path)).size;
  return [
    ...deltas.map(({ file, spaceId, pageSize }) => {
      return { path: file, spaceId, pageSize, size: sizeOf(file) };
    }),
    ...others.filter((path) => !isRewritten(path)).map((path) => ({ path, size: sizeOf(path) })),
  ];
}

async function syncAll(directory: string): Promise<void> {
  await syncDirectory(directory);
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) await syncDirectory(join(entry.parentPath, entry.name));
  }
}
