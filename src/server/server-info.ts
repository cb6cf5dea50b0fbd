import { relative, resolve } from 'node:path';
import { type Flavour, isMariadb } from './flavour.ts';
import { type MariadbInfo, mariadbInfo } from './mariadb/mariadb-info.ts';
import { type MysqlInfo, mysqlInfo } from './mysql/mysql-info.ts';
import type { Session } from './session.ts';
import { supportedSeries } from './supported-series.ts';

/** What a backup needs to know of any server; sizes in bytes, paths absolute. */
export interface CommonInfo {
  readonly flavour: Flavour;
  /** As the server says it: `10.11.19-MariaDB-0+deb12u1-log`, `9.7.4-2`. */
  readonly version: string;
  /** [major, minor, patch] */
  readonly series: readonly [number, number, number];
  readonly datadir: string;
  /** What it calls itself: MySQL's server_uuid, MariaDB's server_uid. */
  readonly identity: string | undefined;
  readonly pageSize: number;
  /** Where relative names of innodb_data_file_path start. */
  readonly dataHome: string;
  readonly dataFilePath: string;
  /** Where the redo log is. */
  readonly logGroupHome: string;
  readonly undoDirectory: string;
  readonly binlogOn: boolean;
  readonly redoEncrypted: boolean;
}

export type ServerInfo = MariadbInfo | MysqlInfo;

/**
 * Reads the variables of a server and refuses one that is not supported.
 * `datadirOverride`: where its data directory is mounted for us.
 */
export async function readServerInfo(
  session: Session,
  datadirOverride?: string,
): Promise<ServerInfo> {
  const variables = await session.map('SHOW GLOBAL VARIABLES');
  const get: VariableReader = (name, otherwise = '') => variables.get(name) ?? otherwise;
  const version = get('version');
  const series = supportedSeries(version);
  const served = resolve(get('datadir'));
  const datadir = resolve(datadirOverride ?? served);
  const under: PathReader = (path) => {
    const inside = relative(served, resolve(served, path === '' ? '.' : path));
    return inside.startsWith('..') ? resolve(path) : resolve(datadir, inside);
  };
  const common = {
    version,
    series,
    datadir,
    identity: variables.get('server_uuid') ?? variables.get('server_uid'),
    pageSize: Number(get('innodb_page_size', '16384')),
    dataHome: under(get('innodb_data_home_dir')),
    dataFilePath: get('innodb_data_file_path'),
    logGroupHome: under(get('innodb_log_group_home_dir')),
    undoDirectory: under(get('innodb_undo_directory')),
    binlogOn: get('log_bin') === 'ON',
    // MySQL's name, MariaDB's name.
    redoEncrypted: get('innodb_redo_log_encrypt', get('innodb_encrypt_log')) === 'ON',
  };
  return isMariadb(version) ? mariadbInfo(common, get, under) : mysqlInfo(common, get, under);
}

/** The value of a global variable; a server that does not know it has an empty one. */
export type VariableReader = (name: string, otherwise?: string) => string;

/** A path of the server's as it is for us: relative ones start in its data directory. */
export type PathReader = (path: string) => string;

/** What `readServerInfo` finds before it knows the flavour. */
export type Variables = Omit<CommonInfo, 'flavour'>;
