import { join } from 'node:path';
import type { CommonInfo, PathReader, VariableReader, Variables } from '../server-info.ts';

/** What only MariaDB has. */
export interface MariadbInfo extends CommonInfo {
  readonly flavour: 'mariadb';
  readonly undoTablespaces: number;
  readonly ariaLogDir: string;
  readonly ignoredDirectories: ReadonlySet<string>;
  readonly logFileSize: number;
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
    logFileSize: Number(get('innodb_log_file_size')),
    compressionLevel: Number(get('innodb_compression_level', '6')),
  };
}

/** The live redo log. */
export const redoLogPath = (info: MariadbInfo): string => join(info.logGroupHome, 'ib_logfile0');
