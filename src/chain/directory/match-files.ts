import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readSpaceHeader, spaceHeaderBytes } from '../../../formats/innodb/index.ts';
import { BackupError } from '../../errors.ts';
import { systemFileNames } from '../../restore/backup-directory.ts';
import { fileFault } from '../../restore/file-fault.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import { type DeltaFile, type LinkDirectory, filesBelow } from './link-directory.ts';

/** Where files wait that change their names: tables may have swapped them. */
export const asideName = 'xbpipe-aside';

/**
 * Gives the tablespaces of a directory the names that an increment has for them, known by the
 * space id in page 0, and removes those that it has not. May be run again after an interruption.
 */
export function matchFiles(
  base: LinkDirectory,
  deltas: readonly DeltaFile[],
  signal: AbortSignal,
): void {
  const { path, backup, course } = base;
  const system = new Set(systemFileNames(backup));
  const targets = new Map(deltas.map(({ spaceId, file }) => [spaceId, file]));
  const systemTargets = new Set(deltas.map(({ file }) => file).filter((file) => system.has(file)));
  const aside = join(path, asideName);
  mkdirSync(aside, { recursive: true });
  for (const member of filesBelow(path)) {
    if (member.startsWith(`${asideName}/`) || !course.isTablespace(member, backup)) continue;
    signal.throwIfAborted();
    const file = join(path, member);
    if (system.has(member)) {
      if (!systemTargets.has(member)) rmSync(file);
      continue;
    }
    const spaceId = spaceIdOf(file);
    // A file without page 0 is nobody's base.
    const target = spaceId === undefined ? undefined : targets.get(spaceId);
    if (target === undefined) rmSync(file);
    else if (target !== member) renameSync(file, join(aside, String(spaceId)));
  }
  for (const name of readdirSync(aside)) {
    signal.throwIfAborted();
    const target = targets.get(Number(name));
    if (target === undefined) continue;
    const file = join(path, target);
    if (existsSync(file)) {
      throw new BackupError('corrupt', `${path} has the space ${name} twice`, {
        where: { path: file },
      });
    }
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
    renameSync(join(aside, name), file);
  }
  rmSync(aside, { recursive: true });
}

/** Undefined while page 0 is all zero. */
function spaceIdOf(file: string): number | undefined {
  const fd = openSync(file, 'r');
  try {
    const page0 = new Uint8Array(spaceHeaderBytes);
    if (readFully(fd, page0, 0) < page0.length) return undefined;
    return readSpaceHeader(page0)?.spaceId;
  } catch (error) {
    throw fileFault(file, error);
  } finally {
    closeSync(fd);
  }
}
