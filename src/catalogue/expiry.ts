import { directoryOf } from './archive-key.ts';
import { type CataloguedBackup, type Chain, chainsOf } from './chains.ts';
import { type Deletion, deletionOf, requireKnown } from './deletion.ts';
import type { Catalogue } from './read-catalogue.ts';

/** What to keep; what either rule keeps is kept. */
export interface KeepRules {
  /** The newest chains of each directory, so many. */
  full?: number | undefined;
  /** All that is needed to get back to any moment of so many days (given the binlogs). */
  days?: number | undefined;
}

export interface JudgedChain extends Chain {
  verdict: 'keep' | 'expire' | 'broken';
  /** Why, in words. */
  reason: string;
}

export interface Expiry {
  /** Oldest first. */
  chains: JudgedChain[];
  deletion: Deletion;
}

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Which chains may go, whole. Each directory is a series of its own: that of another server must
 * not make this one's old. A chain that has a broken backup counts for nothing and is left:
 * whoever reads of it decides.
 *
 * @throws BackupError what `requireKnown` refuses.
 */
export function planExpiry(catalogue: Catalogue, rules: KeepRules, now: Date): Expiry {
  requireKnown(catalogue);
  const all = chainsOf(catalogue.backups);
  const kept = new Map<Chain, string>();
  for (const sound of seriesOf(all.filter((chain) => problemOf(chain) === undefined))) {
    const byDays = rules.days === undefined ? [] : keptByDays(sound, rules.days, now);
    const byCount = rules.full === undefined ? [] : keptByCount(sound, rules.full, now);
    for (const [chain, reason] of [...byDays, ...byCount]) kept.set(chain, reason);
  }
  const chains = all.map((chain): JudgedChain => {
    const problem = problemOf(chain);
    if (problem !== undefined) return { ...chain, verdict: 'broken', reason: problem };
    const reason = kept.get(chain);
    if (reason !== undefined) return { ...chain, verdict: 'keep', reason };
    return { ...chain, verdict: 'expire', reason: 'no rule keeps it' };
  });
  const expired = chains.filter(({ verdict }) => verdict === 'expire');
  const backups = expired.flatMap((chain) => chain.backups.toReversed());
  return { chains, deletion: deletionOf(catalogue, backups) };
}

/** Copies of one backup count once; what a wrong clock dated into the future does not count. */
function keptByCount(newestFirst: readonly Chain[], count: number, now: Date): [Chain, string][] {
  const isPast = ({ first }: Chain): boolean => finishedAt(first) <= now.getTime();
  const past = newestFirst.filter(isPast);
  const ids = [...new Set(past.map(({ first }) => first.manifest.backupId))];
  const kept = new Set(ids.slice(0, count));
  const reason = count === 1 ? 'the newest' : `one of the ${count} newest`;
  return newestFirst.flatMap((chain): [Chain, string][] => {
    if (!isPast(chain)) return [[chain, 'is dated in the future']];
    return kept.has(chain.first.manifest.backupId) ? [[chain, reason]] : [];
  });
}

/** RMAN's recovery window: it begins with the newest full backup that is older than it. */
function keptByDays(newestFirst: readonly Chain[], days: number, now: Date): [Chain, string][] {
  const start = now.getTime() - days * dayMs;
  const recent = newestFirst.filter(({ backups }) =>
    backups.some((backup) => finishedAt(backup) >= start),
  );
  const wayBack = newestFirst.find(({ first }) => finishedAt(first) < start);
  const window = days === 1 ? 'the last day' : `the last ${days} days`;
  return [
    ...(wayBack ? [[wayBack, `the way back to the start of ${window}`] as [Chain, string]] : []),
    ...recent.map((chain): [Chain, string] => [chain, `has a backup of ${window}`]),
  ];
}

/** Chains side by side, the newest first. */
function seriesOf(chains: readonly Chain[]): Chain[][] {
  const series = new Map<string, Chain[]>();
  for (const chain of chains.toSorted(newestFirst)) {
    const directory = directoryOf(chain.first.name);
    series.set(directory, [...(series.get(directory) ?? []), chain]);
  }
  return [...series.values()];
}

function problemOf({ backups }: Chain): string | undefined {
  const broken = backups.find(({ problem }) => problem !== undefined);
  return broken && `${broken.name}: ${broken.problem}`;
}

function newestFirst(one: Chain, other: Chain): number {
  return finishedAt(other.first) - finishedAt(one.first);
}

function finishedAt({ manifest }: CataloguedBackup): number {
  return Date.parse(manifest.finishedAt);
}
