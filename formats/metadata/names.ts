/** What a metadata file is for, whatever its name. */
export type MetadataRole =
  'checkpoints' | 'info' | 'binlogInfo' | 'slaveInfo' | 'galeraInfo' | 'binlogPosInnodb';

/** The server a backup is taken from, as far as file names depend on it. */
export interface NamedServer {
  flavour: 'mysql' | 'mariadb';
  /** Major and minor version; a patch number may follow. */
  version: readonly [major: number, minor: number, ...rest: number[]];
}

export type MetadataNames = Readonly<Record<MetadataRole, string>>;

const xtrabackupNames: MetadataNames = {
  checkpoints: 'xtrabackup_checkpoints',
  info: 'xtrabackup_info',
  binlogInfo: 'xtrabackup_binlog_info',
  slaveInfo: 'xtrabackup_slave_info',
  galeraInfo: 'xtrabackup_galera_info',
  binlogPosInnodb: 'xtrabackup_binlog_pos_innodb',
};

const mariadbNames: MetadataNames = {
  checkpoints: 'mariadb_backup_checkpoints',
  info: 'mariadb_backup_info',
  binlogInfo: 'mariadb_backup_binlog_info',
  slaveInfo: 'mariadb_backup_slave_info',
  galeraInfo: 'mariadb_backup_galera_info',
  // The one name that MariaDB did not change.
  binlogPosInnodb: 'xtrabackup_binlog_pos_innodb',
};

/** Files that have one name on every server. */
export const commonNames = {
  backupMyCnf: 'backup-my.cnf',
  /** MySQL only. */
  tablespaces: 'xtrabackup_tablespaces',
  /** MySQL only: keys of encrypted tablespaces under a transition key. */
  keys: 'xtrabackup_keys',
  /** MariaDB with Galera, beside the one of `MetadataNames`. */
  donorGaleraInfo: 'donor_galera_info',
} as const;

/** The names to write for a backup of this server: MariaDB 11.1 left XtraBackup's names. */
export function metadataNames(server: NamedServer): MetadataNames {
  const [major, minor] = server.version;
  const renamed = server.flavour === 'mariadb' && (major > 11 || (major === 11 && minor >= 1));
  return renamed ? mariadbNames : xtrabackupNames;
}

/** The names to accept when reading, the one to prefer first: MariaDB's newer tools take both. */
export const acceptedNames: Readonly<Record<MetadataRole, readonly string[]>> = {
  checkpoints: [mariadbNames.checkpoints, xtrabackupNames.checkpoints],
  info: [mariadbNames.info, xtrabackupNames.info],
  binlogInfo: [mariadbNames.binlogInfo, xtrabackupNames.binlogInfo],
  slaveInfo: [mariadbNames.slaveInfo, xtrabackupNames.slaveInfo],
  galeraInfo: [mariadbNames.galeraInfo, xtrabackupNames.galeraInfo, commonNames.donorGaleraInfo],
  binlogPosInnodb: [xtrabackupNames.binlogPosInnodb],
};

/** The role of a file by its base name, without suffixes such as `.zst`; undefined for other files. */
export function metadataRole(fileName: string): MetadataRole | undefined {
  const roles = Object.keys(acceptedNames) as MetadataRole[];
  return roles.find((role) => acceptedNames[role].includes(fileName));
}
