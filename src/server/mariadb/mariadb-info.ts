import { join } from 'node:path';
import type { CommonInfo, PathReader, VariableReader, Variables } from '../server-info.ts';

/** What only MariaDB has. */
export interface MariadbInfo extends CommonInfo {
  readonly flavour: 'mariadb';
  readonly undoTablespaces: number;
  readonly ariaLogDir: string;
  readonly ignoredDirectories: ReadonlySet<string>;
  readonly logFileSize: number;
  /** How long redo may wait to be made durable, in seconds; 0: until the next commit. */
  readonly flushSeconds: number;
  readonly compressionLevel: number;
}

export function mariadbInfo(
  common: Variables,
  get: VariableReader,
  under: PathReader,
): MariadbInfo {
  return {
    ...common,
    flavour: 'mariadb',
    undoTablespaces: Number(get('innodb_undo_tablespaces', '0')),
    ariaLogDir: under(get('aria_log_dir_path')),
    ignoredDirectories: new Set(get('ignore_db_dirs').split(',').filter(Boolean)),
    flushSeconds:
      get('innodb_flush_log_at_trx_commit', '1') === '1'
        ? 0
        : Number(get('innodb_flush_log_at_timeout', '1')),
    logFileSize: Number(get('innodb_log_file_size')),
    compressionLevel: Number(get('innodb_compression_level', '6')),
  };
}

/** The live redo log. */
export const redoLogPath = (info: MariadbInfo): string => join(info.logGroupHome, 'ib_logfile0');
