import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { deltaName } from '../../../formats/delta/index.ts';
import { BackupError } from '../../errors.ts';
import type { Reporter } from '../../reporter.ts';
import { checkFiles } from '../../restore/check-files.ts';
import { refusePrepared, wasPrepared } from '../../restore/refuse-prepared.ts';
import { isIncrement } from '../../../formats/archive-record/index.ts';
import { checkChain } from '../check-chain.ts';
import { layDirectory } from './lay-directory.ts';
import {
  type LinkDirectory,
  decodedFiles,
  incrementFiles,
  readLinkDirectory,
} from './link-directory.ts';
import { readDelta } from './read-delta.ts';
import { refuseTwins } from './refuse-twins.ts';
import { readState } from '../../restore/overlay-state.ts';

/**
 * Lays increments over the full backup in a directory, the oldest first. Nothing of them is
 * changed. It stays an unprepared full backup, on which further ones can be laid. What an earlier
 * run did already is not done again.
 */
export async function layIncrements(
  path: string,
  increments: readonly string[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  const base = await readLinkDirectory(path, signal);
  const links: LinkDirectory[] = [];
  for (const increment of increments) {
    links.push(await readLinkDirectory(increment, signal));
    refuseNested(path, increment);
  }
  const state = readState(path);
  const waiting = stillToLay(base, links, state?.backupId);
  if (wasPrepared(base.backup)) {
    // An earlier run laid all of them, and came to the recovery.
    if (waiting.length > 0) refusePrepared(base.backup);
    return;
  }
  // What is half laid is no backup that another could be checked against.
  checkChain(
    [...(state ? [fullOf(waiting[0])] : [base]), ...waiting.slice(state ? 1 : 0)].map(
      ({ facts }) => facts,
    ),
  );
  if (!state) {
    decodedFiles(path);
    checkFiles(base.backup, base.course);
    refuseTwins(base);
  }
  for (const link of waiting) await checkIncrement(link, signal);
  const newest = waiting.at(-1);
  await newest?.course.checkRedo(newest.backup, signal);
  for (const link of [base, ...waiting]) link.course.refuseLeftovers(link.path);

  for (const [i, link] of waiting.entries()) {
    signal.throwIfAborted();
    const now = i === 0 ? base : await readLinkDirectory(path, signal);
    await layDirectory(now, link, i === 0 ? state : undefined, signal);
    reporter.info(`${link.path} is laid over ${path}`);
  }
}

/** Before anything is changed: what an increment does not have is removed from the full backup. */
async function checkIncrement(link: LinkDirectory, signal: AbortSignal): Promise<void> {
  const { path, backup, course } = link;
  const { deltas } = incrementFiles(link);
  const inDelta = new Set(deltas.map(({ file }) => file));
  checkFiles(backup, course, (file) => (inDelta.has(file) ? deltaName(file) : file));
  for (const delta of deltas) {
    const pages = readDelta(path, delta, signal);
    while ((await pages.next()).done !== true);
  }
}

/** Increments that an earlier run has not finished; `half` is the id of the one that it was at. */
function stillToLay(
  base: LinkDirectory,
  links: readonly LinkDirectory[],
  half: string | undefined,
): LinkDirectory[] {
  const idOf = ({ facts }: LinkDirectory): string => facts.begin.backupId;
  if (half === undefined) {
    const isLaid = (link: LinkDirectory): boolean =>
      idOf(link) === idOf(base) && isIncrement(link.facts.begin);
    return links.slice(1 + links.findIndex(isLaid));
  }
  const at = links.findIndex((link) => idOf(link) === half);
  if (at >= 0) return links.slice(at);
  throw new BackupError('chain', `${base.path} is half-way to another increment, ${half}`, {
    hint: 'name that one as well, so that it is brought to its end',
    where: { path: base.path },
  });
}

function fullOf(link: LinkDirectory | undefined): LinkDirectory {
  if (!link) throw new BackupError('failed', 'no increment is half laid');
  const { facts } = link;
  const begin = { ...facts.begin, parentId: undefined, sinceLsn: undefined };
  return { ...link, facts: { ...facts, begin } };
}

/** What an increment lacks is removed from the directory that it is laid over. */
function refuseNested(base: string, increment: string): void {
  const [outer = '', inner = ''] = [base, increment]
    .map((path) => realpathSync(path) + sep)
    .sort((one, other) => one.length - other.length);
  if (inner === outer || !inner.startsWith(outer)) return;
  throw new BackupError('usage', `${base} and ${increment} lie in each other`, {
    hint: 'move the increment to a place of its own',
    where: { path: increment },
  });
}
