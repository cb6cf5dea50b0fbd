import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BackupError } from '../../errors.ts';
import { systemFileNames } from '../../restore/backup-directory.ts';
import { type DeltaFile, type LinkDirectory, filesBelow } from './link-directory.ts';
import { spaceIdOf } from './space-id-of.ts';

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
