import { basename } from 'node:path';
import type { CopyOutcome } from '../copy/copy-pool.ts';
import { refuseVanished } from '../refuse-vanished.ts';

/**
 * What an ALTER that is given up under BLOCK_DDL takes away again: tables that it fills, their
 * partitions, and tables of an index of words. No table of a user's can have such a name.
 */
const unfinished = /^#sql|#TMP#|^FTS_[0-9a-f]{16}_/i;

/** For files that were found under BLOCK_DDL, where none goes but those of an unfinished ALTER. */
export function refuseLost(outcomes: readonly CopyOutcome[]): void {
  refuseVanished(
    outcomes.filter(
      (outcome) => 'copied' in outcome || !unfinished.test(basename(outcome.vanished.member)),
    ),
  );
}
