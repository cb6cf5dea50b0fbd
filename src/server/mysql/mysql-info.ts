import { dirname, join } from 'node:path';
import type { CommonInfo, PathReader, VariableReader, Variables } from '../server-info.ts';

/** What only MySQL has. */
export interface MysqlInfo extends CommonInfo {
  readonly flavour: 'mysql';
  readonly serverId: number;
  readonly serverUuid: string;
  readonly checksumAlgorithm: string;
  readonly lowerCaseTableNames: string;
  readonly undoEncrypted: boolean;
  readonly performanceSchemaOn: boolean;
  readonly redoChecksumsOn: boolean;
  readonly redoCapacity: number;
  /** Where the binlogs are, and the name of their index. */
  readonly binlogDirectory: string;
}

export function mysqlInfo(common: Variables, get: VariableReader, under: PathReader): MysqlInfo {
  return {
    ...common,
    flavour: 'mysql',
    serverId: Number(get('server_id', '0')),
    serverUuid: get('server_uuid'),
    checksumAlgorithm: get('innodb_checksum_algorithm', 'crc32'),
    lowerCaseTableNames: get('lower_case_table_names', '0'),
    undoEncrypted: get('innodb_undo_log_encrypt') === 'ON',
    redoChecksumsOn: get('innodb_log_checksums', 'ON') === 'ON',
    performanceSchemaOn: get('performance_schema') === 'ON',
    redoCapacity: Number(get('innodb_redo_log_capacity', '0')),
    binlogDirectory: dirname(under(get('log_bin_basename'))),
  };
}

/** Directory of the live redo log's files. */
export const redoDirectory = (info: MysqlInfo): string => join(info.logGroupHome, '#innodb_redo');
