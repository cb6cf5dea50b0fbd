import { join, resolve } from 'node:path';
import { BackupError } from '../errors.ts';
import type { Session } from './session.ts';

/** What a backup needs to know of the server; sizes in bytes. */
export interface ServerInfo {
  /** As the server says it: `10.11.19-MariaDB-0+deb12u1-log`. */
  version: string;
  /** [major, minor, patch] */
  series: readonly [number, number, number];
  datadir: string;
  pageSize: number;
  /** Where relative names of innodb_data_file_path start. */
  dataHome: string;
  dataFilePath: string;
  logGroupHome: string;
  undoDirectory: string;
  undoTablespaces: number;
  ariaLogDir: string;
  ignoredDirectories: ReadonlySet<string>;
  logFileSize: number;
  compressionLevel: number;
  binlogOn: boolean;
  redoEncrypted: boolean;
  port: number;
}

/**
 * Reads the variables of a MariaDB server and refuses a server that is not
 * supported. `datadirOverride`: where its data directory is mounted for us.
 */
export async function readServerInfo(
  session: Session,
  datadirOverride?: string,
): Promise<ServerInfo> {
  const variables = await session.map('SHOW GLOBAL VARIABLES');
  const get = (name: string, otherwise = ''): string => variables.get(name) ?? otherwise;
  const version = get('version');
  const series = supportedSeries(version);
  const datadir = resolve(datadirOverride ?? get('datadir'));
  const under = (path: string): string => resolve(datadir, path === '' ? '.' : path);
  return {
    version,
    series,
    datadir,
    pageSize: Number(get('innodb_page_size', '16384')),
    dataHome: under(get('innodb_data_home_dir')),
    dataFilePath: get('innodb_data_file_path'),
    logGroupHome: under(get('innodb_log_group_home_dir')),
    undoDirectory: under(get('innodb_undo_directory')),
    undoTablespaces: Number(get('innodb_undo_tablespaces', '0')),
    ariaLogDir: under(get('aria_log_dir_path')),
    ignoredDirectories: new Set(get('ignore_db_dirs').split(',').filter(Boolean)),
    logFileSize: Number(get('innodb_log_file_size')),
    compressionLevel: Number(get('innodb_compression_level', '6')),
    binlogOn: get('log_bin') === 'ON',
    redoEncrypted: get('innodb_encrypt_log') === 'ON',
    port: Number(get('port', '0')),
  };
}

export const supportedServers = 'MariaDB 10.11.8 and later of 10.11, MariaDB 11.1.5 and later';

/** The first release of each series in which BACKUP STAGE copies as described; later series have it. */
const firstReleases: Record<string, number> = { '10.11': 8, '11.1': 5, '11.2': 4, '11.4': 2 };

/** [major, minor, patch] of a supported MariaDB version, or an error that says what is supported. */
export function supportedSeries(version: string): [number, number, number] {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version.replace(/^5\.5\.5-/, ''));
  const [major, minor, patch] = (match?.slice(1) ?? []).map(Number);
  const refused = new BackupError('failed', `server version ${version} is not supported`, {
    hint: `supported: ${supportedServers}`,
  });
  if (major === undefined || minor === undefined || patch === undefined) throw refused;
  if (!/mariadb/i.test(version)) throw refused;
  const first = firstReleases[`${major}.${minor}`];
  const knownSeries = first !== undefined || major > 11 || (major === 11 && minor >= 3);
  if (!knownSeries || patch < (first ?? 0)) throw refused;
  return [major, minor, patch];
}

/** The live redo log of a MariaDB server. */
export const redoLogPath = (info: ServerInfo): string => join(info.logGroupHome, 'ib_logfile0');
