import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { BackupError } from '../../errors.ts';
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
 * Switches page tracking on, or begins a new part of the list where it is on: from now on the
 * server notes every page when it writes it. What it noted before stays. Returns the LSN to ask
 * for these pages by.
 */
export async function beginPageTracking(session: Session): Promise<number> {
  await requireComponent(session);
  const lsn = await call(session, 'set(1)');
  if (lsn <= 0) throw unusable(`page tracking cannot begin (error ${-lsn} of the server)`);
  return lsn;
}

/** The LSN since which the server notes the pages that it writes; it says so where it does not. */
export async function readTrackingStart(session: Session): Promise<number> {
  await requireComponent(session);
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

async function requireComponent(session: Session): Promise<void> {
  const variables = await session.map("SHOW GLOBAL VARIABLES LIKE 'mysqlbackup.backupid'");
  if (variables.size > 0) return;
  throw unusable('the server has no page tracking', {
    hint: 'INSTALL COMPONENT "file://component_mysqlbackup";',
  });
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

function notListed(failure: number, sinceLsn: number): BackupError {
  return unusable(
    `the server does not list the pages that were written since LSN ${sinceLsn} ` +
      `(error ${failure} of the server)`,
  );
}

/** No reason to fail for a backup: it can read every page instead. */
function unusable(message: string, options?: { hint: string }): BackupError {
  return new BackupError('failed', message, options);
}
