import { BackupError } from '../errors.ts';
import type { CopyOutcome } from './copy/copy-pool.ts';

/** For files that the locks should have kept in their places. */
export function refuseVanished(outcomes: readonly CopyOutcome[]): void {
  for (const outcome of outcomes) {
    if ('copied' in outcome) continue;
    const { source } = outcome.vanished;
    throw new BackupError(
      'failed',
      `${source} was there and is gone, in spite of the backup lock`,
      {
        where: { path: source },
        hint: 'nothing but the server may change its data directory; try again',
      },
    );
  }
}
