import { type CommonBackupOptions, dataFileOptions, optionIfSet } from './backup-my-cnf-options.ts';
import { encodeOptionFile } from './backup-my-cnf.ts';
import type { KeyValue } from './key-values.ts';

/** The options that MariaDB's tool always writes, in their order, as in backup-my-cnf.md. */
export const backupMyCnfRows = [
  { key: 'innodb_checksum_algorithm', form: 'word', description: 'the tool writes `crc32`' },
  { key: 'innodb_data_file_path', form: 'text', description: 'system tablespace, base names only' },
  { key: 'innodb_log_file_size', form: 'u64', description: 'bytes' },
  { key: 'innodb_page_size', form: 'u64', description: 'bytes' },
  { key: 'innodb_undo_directory', form: 'text', description: '`./`: undo lies beside ibdata1' },
  { key: 'innodb_undo_tablespaces', form: 'u64', description: 'number of undo files' },
  { key: 'innodb_compression_level', form: 'u64', description: 'zlib level of compressed pages' },
] as const;

/** What the prepare step of the reference tools needs to know about the server. */
export interface MariadbBackupOptions extends CommonBackupOptions {
  compressionLevel: number;
  /** `plugin_load` and the key options of an encryption plugin, in the order given. */
  encryption: readonly KeyValue[];
}

/**
 * Writes the file as MariaDB's tool lays it out; only the first comment differs.
 * @throws FormatError invalid when a value is not one line.
 */
export function encodeMariadbBackupMyCnf(options: MariadbBackupOptions): Uint8Array {
  const first: KeyValue[] = [
    ['innodb_checksum_algorithm', options.checksumAlgorithm],
    ...dataFileOptions(options),
    ['innodb_compression_level', String(options.compressionLevel)],
    ...optionIfSet('innodb_buffer_pool_filename', options.bufferPoolFilename),
  ];
  return encodeOptionFile('The server', [first, options.encryption, []]);
}
