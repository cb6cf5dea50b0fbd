import { type CommonBackupOptions, dataFileOptions, optionIfSet } from './backup-my-cnf-options.ts';
import { encodeOptionFile } from './backup-my-cnf.ts';
import type { KeyValue } from './key-values.ts';

/** The options of MySQL's file in their order, as in backup-my-cnf.md. */
export const mysqlBackupMyCnfRows = [
  { key: 'innodb_checksum_algorithm', form: 'word', description: 'of the server' },
  { key: 'innodb_log_checksums', form: '1 or 0', description: 'redo blocks have checksums' },
  { key: 'innodb_data_file_path', form: 'text', description: 'system tablespace' },
  { key: 'innodb_log_file_size', form: 'u64', description: 'bytes' },
  { key: 'innodb_page_size', form: 'u64', description: 'bytes' },
  { key: 'innodb_undo_directory', form: 'text', description: 'directory of the undo files' },
  { key: 'innodb_undo_tablespaces', form: 'u64', description: 'number of undo files' },
  { key: 'server_id', form: 'u64', description: 'of the server' },
  { key: 'innodb_log_checksums', form: 'ON or OFF', description: 'the same a second time' },
  { key: 'innodb_redo_log_encrypt', form: 'ON or OFF', description: 'redo is encrypted' },
  { key: 'innodb_undo_log_encrypt', form: 'ON or OFF', description: 'undo is encrypted' },
  { key: 'innodb_buffer_pool_filename', form: 'text', description: 'optional; buffer pool dump' },
  { key: 'plugin_load', form: 'text', description: 'none, one or more lines' },
  { key: 'server_uuid', form: 'text', description: 'optional; part of the names of master keys' },
  { key: 'master_key_id', form: 'u64', description: 'optional here; number of the master key' },
] as const;

/** What XtraBackup's prepare step and a server started on the backup need to know. */
export interface MysqlBackupOptions extends CommonBackupOptions {
  logChecksums: boolean;
  serverId: number;
  redoLogEncrypt: boolean;
  undoLogEncrypt: boolean;
  /** The values of the `plugin_load` lines. */
  pluginLoad: readonly string[];
  serverUuid?: string;
  masterKeyId?: number;
  /** Options that XtraBackup does not write; they follow at the end. */
  others: readonly KeyValue[];
}

/**
 * Writes the file as XtraBackup 8.x lays it out; the first comment differs and `others` are ours.
 * @throws FormatError invalid when a value is not one line or a key of `others` is no option.
 */
export function encodeMysqlBackupMyCnf(options: MysqlBackupOptions): Uint8Array {
  const onOff = (value: boolean): string => (value ? 'ON' : 'OFF');
  return encodeOptionFile('The MySQL server', [
    [
      ['innodb_checksum_algorithm', options.checksumAlgorithm],
      ['innodb_log_checksums', options.logChecksums ? '1' : '0'],
      ...dataFileOptions(options),
      ['server_id', String(options.serverId)],
      ['innodb_log_checksums', onOff(options.logChecksums)],
      ['innodb_redo_log_encrypt', onOff(options.redoLogEncrypt)],
      ['innodb_undo_log_encrypt', onOff(options.undoLogEncrypt)],
      ...optionIfSet('innodb_buffer_pool_filename', options.bufferPoolFilename),
      ...options.pluginLoad.map((plugin): KeyValue => ['plugin_load', plugin]),
      ...optionIfSet('server_uuid', options.serverUuid),
      ...optionIfSet('master_key_id', options.masterKeyId),
      ...options.others,
    ],
  ]);
}
