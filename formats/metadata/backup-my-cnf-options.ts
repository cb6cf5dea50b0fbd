import type { KeyValue } from './key-values.ts';

/** The options that the tools of MariaDB and of MySQL both write. */
export interface CommonBackupOptions {
  checksumAlgorithm: string;
  dataFilePath: string;
  /** Bytes. */
  logFileSize: bigint;
  /** Bytes. */
  pageSize: number;
  undoDirectory: string;
  undoTablespaces: number;
  bufferPoolFilename?: string;
}

/** The block about data files that stands in both files in the same order. */
export function dataFileOptions(options: CommonBackupOptions): KeyValue[] {
  return [
    ['innodb_data_file_path', options.dataFilePath],
    ['innodb_log_file_size', String(options.logFileSize)],
    ['innodb_page_size', String(options.pageSize)],
    ['innodb_undo_directory', options.undoDirectory],
    ['innodb_undo_tablespaces', String(options.undoTablespaces)],
  ];
}

/** One option, or none when its value is not set. */
export function optionIfSet(key: string, value: string | number | undefined): KeyValue[] {
  return value === undefined ? [] : [[key, String(value)]];
}
