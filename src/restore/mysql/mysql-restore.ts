import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { systemFilesName } from '../../../formats/archive-record/index.ts';
import { commonNames, decodeTablespaces } from '../../../formats/metadata/index.ts';
import { blockBytes, blockStart } from '../../../formats/mysql-redo/index.ts';
import { BackupError } from '../../errors.ts';
import type { Reporter } from '../../reporter.ts';
import { isMariadb } from '../../server/flavour.ts';
import { parseSeries } from '../../server/series.ts';
import { systemFileNames } from '../backup-directory.ts';
import { optionsOf } from '../recovery-options.ts';
import type { RestoreCourse } from '../restore-course.ts';
import { carriedBinlog, dropBinlog } from './carried-binlog.ts';
import { checkRedo } from './check-redo.ts';
import { extendSystemFiles } from './extend-system-files.ts';
import { layDownRedo } from './lay-down-redo.ts';
import { refuseLeftovers } from './refuse-leftovers.ts';

/** MySQL of the backup's own series, and no older release of it, recovers it. */
export const mysqlRestore: RestoreCourse = {
  product: 'MySQL',
  serverNames: ['mysqld'],

  unfit(version, backupVersion) {
    const [major = 0, minor = 0, patch = 0] = parseSeries(backupVersion) ?? [];
    const [foundMajor, foundMinor, foundPatch = 0] = parseSeries(version) ?? [];
    const fits = foundMajor === major && foundMinor === minor && foundPatch >= patch;
    if (fits && !isMariadb(version)) return undefined;
    return `a MySQL server ${major}.${minor}.${patch} or a later ${major}.${minor}`;
  },

  checkPlace(path) {
    const place = realPlace(path);
    if (!/\/\./.test(place)) return;
    throw new BackupError(
      'recovery',
      `${place}: MySQL finds no tablespace below a hidden directory`,
      {
        where: { path: place },
        hint: 'choose a place without a directory whose name begins with a dot',
      },
    );
  },

  checkRedo,

  requiredFiles(backup) {
    return [...systemFileNames(backup), 'mysql.ibd', 'undo_001', 'undo_002'];
  },

  isTablespace(member, backup) {
    if (/\.(ibd|ibu)$/.test(member)) return true;
    return systemFileNames(backup).includes(member) || /^undo_\d{3}$/.test(member);
  },

  refuseLeftovers,

  resolveLeftovers() {
    // DDL waits during its backups.
    return 0;
  },

  arrange(backup, redo, reporter) {
    refuseLeftovers(backup.path);
    extendSystemFiles(backup);
    layDownRedo(backup, redo);
    tellMoved(backup.path, reporter);
  },

  recoveryArguments(backup) {
    const { path } = backup;
    const binlog = carriedBinlog(path);
    const inside = (name: string): string => join(resolve(path), name);
    return [
      // It must see the end of the binlog to decide transactions that were only prepared.
      ...(binlog
        ? [`--log-bin=${inside(binlog.base)}`, `--log-bin-index=${inside(binlog.index)}`]
        : ['--skip-log-bin']),
      ...(binlog?.gtids === true ? ['--gtid-mode=ON', '--enforce-gtid-consistency=ON'] : []),
      '--skip-replica-start',
      '--performance-schema=OFF',
      '--secure-file-priv=NULL',
      // What is judged below is said as notes.
      '--log-error-verbosity=3',
      '--loose-mysqlx=OFF',
      '--loose-auto-generate-certs=OFF',
      '--loose-sha256-password-auto-generate-rsa-keys=OFF',
      '--loose-caching-sha2-password-auto-generate-rsa-keys=OFF',
      ...optionsOf(backup, [
        'innodb_data_file_path',
        'innodb_page_size',
        'innodb_checksum_algorithm',
        'lower_case_table_names',
      ]),
    ];
  },

  recoveryWords: {
    checkpoint: /latest found checkpoint is at lsn = (\d+)/i,
    end: /scanned up to log sequence number (\d+)/i,
    endIsSaid: 'repeatedly',
    // In words: LSNs in the future, pages younger than the redo, redo without checksums; a missing
    // table (one with DISCARD TABLESPACE is not said to be), an undo tablespace made anew.
    fatal: [/is in the future/i, /\[ERROR\]/, /\[MY-(011971|012562|012545|012351|013040)\]/],
    harmless: [],
    // A new server UUID, no TLS, no RSA keys, where the pid file is.
    unremarkable: [/\[MY-(010075|013595|010069|010284|011810)\]/],
  },

  objection(log, { checkpointLsn, lastLsn, anyChanges }) {
    if (log.checkpointLsn !== checkpointLsn) {
      return `the server began at LSN ${log.checkpointLsn ?? '?'} instead of ${checkpointLsn}`;
    }
    const { endLsn = checkpointLsn } = log;
    if (!anyChanges && endLsn === checkpointLsn) return undefined;
    // An encrypted last block could not be cut: nothing but it may lie behind.
    const isEnd = endLsn >= lastLsn && endLsn < blockStart(lastLsn) + 2 * blockBytes;
    return isEnd ? undefined : `the server recovered to LSN ${endLsn} instead of ${lastLsn}`;
  },

  tidy({ path }) {
    const binlog = carriedBinlog(path);
    if (binlog) dropBinlog(path, binlog);
    // Made for the recovery: two servers on copies of this directory must not be one to replicas.
    rmSync(join(path, 'auto.cnf'), { force: true });
    rmSync(join(path, systemFilesName), { force: true });
  },
};

/** What a path is in the end, which need not be there yet: a preview makes nothing. */
function realPlace(path: string): string {
  const full = resolve(path);
  if (existsSync(full)) return realpathSync(full);
  return join(realPlace(dirname(full)), basename(full));
}

/** A server finds moved files by their space id, and notes in its dictionary where they are. */
function tellMoved(path: string, reporter: Reporter): void {
  const file = join(path, commonNames.tablespaces);
  if (!existsSync(file)) return;
  const entries = decodeTablespaces(readFileSync(file));
  const undo = entries.filter(({ type }) => type === 'UNDO_LOG');
  // All undo tablespaces are listed: those beside the first were where the server has its own.
  const [home] = undo.map(({ fileName }) => dirname(fileName));
  for (const { fileName, tablespaceName, type } of entries) {
    if (type === 'UNDO_LOG' && dirname(fileName) === home) continue;
    reporter.warn(`${tablespaceName} was at ${fileName}; it is inside the data directory now`);
  }
}
