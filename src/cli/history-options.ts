import type { Command } from 'commander';
import { BackupError } from '../errors.ts';
import { optionOf } from './option-of.ts';

/** Options of XtraBackup that go by what it notes in a table of the server, or by its bitmap. */
export interface HistoryValues {
  incrementalHistoryName?: string;
  incrementalHistoryUuid?: string;
  incrementalForceScan?: boolean;
}

export function addHistoryOptions(command: Command): void {
  command
    .option('--incremental-history-name <name>', 'refused: there is no table of backups here')
    .option('--incremental-history-uuid <uuid>', 'refused: there is no table of backups here')
    .option('--incremental-force-scan', 'look at every page, whatever --page-tracking says');
}

/** No table of the server says what backups there are: their manifests do. */
export function refuseHistory(values: HistoryValues): void {
  for (const name of ['incrementalHistoryName', 'incrementalHistoryUuid'] as const) {
    if (values[name] === undefined) continue;
    throw new BackupError('usage', `${optionOf(name)}: no table of backups is kept in the server`, {
      hint: 'name the parent itself: --incremental-base (xbpipe list shows what there is)',
    });
  }
}
