import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { BackupError } from '../../errors.ts';
import { checkPrivileges } from '../privileges.ts';
import type { Session } from '../session.ts';
import type { MysqlInfo } from './mysql-info.ts';

/** Where the component puts the lists that it makes, in the data directory. */
const listDirectory = '#meb';
const listIdsMax = 2 ** 47;

/** A list of the pages that the server wrote since an LSN, as a file of the server's. */
export interface TrackedPages {
  /** See formats/page-track. Undefined: there are none, and no file. */
  path: string | undefined;
  /** Entries that there must be: the component does not say so when it could not write them all. */
  entriesMin: number;
}

/**
 * From now on the server notes every page when it writes it. Returns the LSN to ask for these pages
 * by. `anew`: where it does so already it ends that first. That has to be unless it is known to be
 * of this run of the server: what a server noted before it crashed lacks pages, and asking for that
 * can end the server. Otherwise what it noted before stays.
 */
export async function beginPageTracking(
  session: Session,
  { anew }: { anew: boolean },
): Promise<number> {
  await requireUsable(session);
  if (anew && (await call(session, 'get_start_lsn()')) > 0) await call(session, 'set(0)');
  const lsn = await call(session, 'set(1)');
  if (lsn <= 0) throw unusable(`page tracking cannot begin (error ${-lsn} of the server)`);
  return lsn;
}

/** The LSN since which the server notes the pages that it writes; it says so where it does not. */
export async function readTrackingStart(session: Session): Promise<number> {
  await requireUsable(session);
  const startLsn = await call(session, 'get_start_lsn()');
  if (startLsn > 0) return startLsn;
  throw unusable('page tracking is off', { hint: 'a backup with --page-tracking switches it on' });
}

/**
 * Has the server list the pages that it wrote since page tracking began at `sinceLsn`, hands the
 * list to `read`, and has the server delete it. Pages that are written while it runs may be in it
 * or not. The component has one list at a time: whoever asks for another takes this one away.
 */
export async function withTrackedPages<T>(
  session: Session,
  { datadir }: Pick<MysqlInfo, 'datadir'>,
  sinceLsn: number,
  read: (pages: TrackedPages) => Promise<T>,
): Promise<T> {
  const startLsn = await readTrackingStart(session);
  if (startLsn > sinceLsn) throw trackedSinceLater(startLsn, sinceLsn);
  const id = String(randomInt(1, listIdsMax));
  await nameList(session, id);
  try {
    const range = `${sinceLsn}, 0`;
    const count = await call(session, `get_changed_page_count(${range})`);
    if (count < 0) throw notListed(-count, sinceLsn);
    const failure = await call(session, `get_changed_pages(${range})`);
    if (failure !== 0) throw notListed(failure, sinceLsn);
    const path = count === 0 ? undefined : join(datadir, listDirectory, `${id}.idx`);
    return await read({ path, entriesMin: count });
  } finally {
    // The list goes with its name.
    await nameList(session, '').catch(() => undefined);
  }
}

/** The privilege is that of naming a list; all else takes BACKUP_ADMIN, which a backup has. */
async function requireUsable(session: Session): Promise<void> {
  const variables = await session.map("SHOW GLOBAL VARIABLES LIKE 'mysqlbackup.backupid'");
  if (variables.size === 0) {
    throw unusable('the server has no page tracking', {
      hint: 'INSTALL COMPONENT "file://component_mysqlbackup";',
    });
  }
  await checkPrivileges(session, [{ name: 'SYSTEM_VARIABLES_ADMIN', accepts: ['SUPER'] }]);
}

function trackedSinceLater(startLsn: number, sinceLsn: number): BackupError {
  return unusable(
    `page tracking was off since the parent was taken: it began anew at LSN ${startLsn}, ` +
      `the parent needs it from LSN ${sinceLsn}`,
  );
}

async function nameList(session: Session, id: string): Promise<void> {
  await session.run(`SET GLOBAL mysqlbackup.backupid = '${id}'`);
}

/** Each answers with one number, a failure as well. */
async function call(session: Session, what: string): Promise<number> {
  const [row] = await session.rows(`SELECT mysqlbackup_page_track_${what} AS answer`);
  const answer = Number(row?.['answer'] ?? NaN);
  if (Number.isSafeInteger(answer)) return answer;
  throw unusable(`mysqlbackup_page_track_${what} answers ${String(row?.['answer'])}`);
}

/** ER_PAGE_TRACKING_RANGE_NOT_TRACKED: of an LSN that is tracked, when no checkpoint has passed it. */
const rangeNotTracked = 3803;

function notListed(failure: number, sinceLsn: number): BackupError {
  const why =
    failure === rangeNotTracked
      ? 'no checkpoint has passed it yet'
      : `error ${failure} of the server`;
  return unusable(`the server does not list what it wrote since LSN ${sinceLsn} (${why})`);
}

/** No reason to fail for a backup: it can read every page instead. */
function unusable(message: string, options?: { hint: string }): BackupError {
  return new BackupError('failed', message, options);
}
