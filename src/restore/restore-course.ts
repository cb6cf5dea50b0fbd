import type { Reporter } from '../reporter.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { mariadbRestore } from './mariadb/mariadb-restore.ts';
import { mysqlRestore } from './mysql/mysql-restore.ts';
import type { RecoveryLog, RecoveryWords } from './recovery-log.ts';

/** The redo of a backup, proved whole. */
export interface RedoRange {
  checkpointLsn: number;
  lastLsn: number;
  /** Whether it changes anything, so that a server must tell of its recovery. */
  anyChanges: boolean;
}

/** What MariaDB and MySQL do each in their own way on the way from a backup to a data directory. */
export interface RestoreCourse {
  readonly product: string;
  /** Programs by which the server is found, the likeliest first. */
  readonly serverNames: readonly string[];
  /** Why a server of this version cannot recover the backup, or undefined. */
  unfit(version: string, backupVersion: string): string | undefined;
  /** Fails when a server could not recover at this place, whatever the backup. */
  checkPlace(path: string): void;
  /** Proves the redo whole, from its checkpoint to the end that the backup recorded. */
  checkRedo(backup: BackupDirectory, signal: AbortSignal): Promise<RedoRange>;
  /** Tablespaces, as paths in the backup, that must be there in any backup of such a server. */
  requiredFiles(backup: BackupDirectory): string[];
  /** Whether a file is a tablespace, by its path in the backup. */
  isTablespace(member: string, backup: BackupDirectory): boolean;
  /** Fails on traces of DDL that no backup of such a server has. Changes nothing. */
  refuseLeftovers(path: string): void;
  /** Makes of the traces of DDL during the backup what they stand for; returns how many there were. */
  resolveLeftovers(path: string): number;
  /** Makes the files ready for the server; may be run again after an interruption. */
  arrange(backup: BackupDirectory, redo: RedoRange, reporter: Reporter): void;
  /** Arguments of the recovering server beside those that name the directory. */
  recoveryArguments(backup: BackupDirectory): string[];
  /** The words of its error log. */
  readonly recoveryWords: RecoveryWords;
  /** What speaks against the recovery that the log tells of, or undefined. */
  objection(log: RecoveryLog, redo: RedoRange): string | undefined;
  /** Takes away what only the recovery needed or made. */
  tidy(backup: BackupDirectory): void;
}

export function restoreCourse({ flavour }: Pick<BackupDirectory, 'flavour'>): RestoreCourse {
  return flavour === 'mysql' ? mysqlRestore : mariadbRestore;
}
