import { parseSeries } from '../../server/series.ts';
import { isMariadb } from '../../server/flavour.ts';
import type { Reporter } from '../../reporter.ts';
import { systemFileNames } from '../backup-directory.ts';
import { optionsOf } from '../recovery-options.ts';
import type { RestoreCourse } from '../restore-course.ts';
import { checkRedo } from './check-redo.ts';
import { confineRedo } from './confine-redo.ts';
import { resolveLeftovers } from './ddl-leftovers.ts';
import { dropLinks, externalTables } from './external-tables.ts';

/** MariaDB of the backup's series or a later one recovers it. */
export const mariadbRestore: RestoreCourse = {
  product: 'MariaDB',
  serverNames: ['mariadbd', 'mysqld'],

  unfit(version, backupVersion) {
    const [major = 0, minor = 0] = parseSeries(backupVersion) ?? [];
    const [foundMajor = 0, foundMinor = 0] = parseSeries(version) ?? [];
    const older = foundMajor < major || (foundMajor === major && foundMinor < minor);
    return isMariadb(version) && !older ? undefined : `a MariaDB server ${major}.${minor}`;
  },

  checkPlace() {
    // Any will do.
  },

  checkRedo,

  requiredFiles(backup) {
    const count = Number(backup.options.u64('innodb_undo_tablespaces') ?? 0n);
    const undo = Array.from({ length: count }, (_, i) => `undo${String(i + 1).padStart(3, '0')}`);
    return [...undo, ...systemFileNames(backup)];
  },

  isTablespace(member, backup) {
    if (member.includes('/')) return /\.(ibd|new)$/.test(member);
    return systemFileNames(backup).includes(member) || /^undo\d{3}$/.test(member);
  },

  refuseLeftovers() {
    // DDL goes on during its backups.
  },

  resolveLeftovers,

  arrange({ path }, _redo, reporter) {
    const resolved = resolveLeftovers(path);
    if (resolved > 0) reporter.info(`${resolved} traces of DDL during the backup resolved`);
    keepInside(path, reporter);
  },

  recoveryArguments(backup) {
    return [
      '--skip-log-bin',
      '--skip-slave-start',
      '--table-open-cache=400',
      ...optionsOf(backup, [
        'innodb_data_file_path',
        'innodb_page_size',
        'innodb_log_file_size',
        'innodb_undo_tablespaces',
      ]),
    ];
  },

  recoveryWords: {
    checkpoint: /crash recovery from checkpoint LSN\s*=\s*(\d+)/i,
    end: /End of log at LSN\s*=\s*(\d+)/i,
    endIsSaid: 'once',
    fatal: [
      /is in the future/i,
      // Most lines name `mariadbd`, which says nothing of Aria.
      /\[ERROR\].*(InnoDB|\baria(?![a-z])|recovery|Can't init|Aborting|Unknown\/unsupported)/i,
      /Tablespace .* was not found/i,
      /Cannot find a free slot for an undo log/i,
    ],
    // A table whose tablespace vanished before anything of it was changed.
    harmless: [/but there were no modifications either/i],
    unremarkable: [],
  },

  objection(log, redo) {
    if (log.endLsn === undefined) {
      if (!redo.anyChanges) return undefined;
      return `the server recovered nothing, though the redo log reaches LSN ${redo.lastLsn}`;
    }
    // With nothing to apply it says where the log ends, and not where it began.
    const start = redo.anyChanges ? undefined : redo.checkpointLsn;
    const checkpointLsn = log.checkpointLsn ?? start;
    if (checkpointLsn === redo.checkpointLsn && log.endLsn === redo.lastLsn) return undefined;
    return (
      `the server recovered LSN ${checkpointLsn ?? '?'} to ${log.endLsn} ` +
      `instead of ${redo.checkpointLsn} to ${redo.lastLsn}`
    );
  },

  tidy() {
    // It leaves nothing behind that a server would not make as well.
  },
};

/** Nothing of the recovery may reach outside of the directory, where a live server may be at home. */
function keepInside(path: string, reporter: Reporter): void {
  const external = externalTables(path);
  confineRedo(path, external);
  dropLinks(path, external);
  for (const { table } of external) {
    reporter.warn(`${table} had a DATA DIRECTORY; it is inside the data directory now`);
  }
}
