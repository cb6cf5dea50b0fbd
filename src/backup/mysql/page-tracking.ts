import type { PageTracking } from '../../../formats/archive-record/index.ts';
import { countPages } from '../../../formats/page-track/index.ts';
import { BackupError } from '../../errors.ts';
import type { Reporter } from '../../reporter.ts';
import { readNewestIds, readSpacesOfNewer } from '../../server/mysql/dictionary-ids.ts';
import type { MysqlInfo } from '../../server/mysql/mysql-info.ts';
import {
  beginPageTracking,
  readTrackingStart,
  withTrackedPages,
} from '../../server/mysql/page-tracking.ts';
import { readServerStarted } from '../../server/mysql/server-started.ts';
import type { Session } from '../../server/session.ts';
import type { TablespaceFile } from '../plan/tablespace-file.ts';
import { type ChangedPages, readTrackedPages } from './tracked-pages.ts';

/** The clock of the server has seconds, and a query may fall between two of them. */
const startedToleranceSeconds = 2;

/**
 * Lets the server track pages from before the first one is copied, so that the next increment needs not
 * look for them. DDL must be held off already. What `since` was noted for the parent goes on, if
 * it can be used. Undefined, with a warning, where the server does not track.
 */
export async function trackPages(
  session: Session,
  since: PageTracking | undefined,
  reporter: Reporter,
): Promise<PageTracking | undefined> {
  return await orWarn(reporter, 'the next increment will read every page', async () => {
    const serverStarted = await readServerStarted(session);
    const anew = !since || !isSameRun(since, serverStarted);
    const startLsn = await beginPageTracking(session, { anew });
    return { startLsn, serverStarted, ...(await readNewestIds(session)) };
  });
}

/** What a preview says of it. */
export async function describeTracking(session: Session): Promise<string> {
  try {
    return `on since LSN ${await readTrackingStart(session)}`;
  } catch (error) {
    if (error instanceof BackupError) return reasonOf(error);
    throw error;
  }
}

/**
 * The files of an increment, each with the pages that the server wrote since its parent was taken.
 * To be called when the redo log is followed already: a page that changed before its checkpoint
 * was written by then and is on the list, and what changed later is in the redo.
 *
 * Where the list does not do, every page is read: files with a table or an index that is newer,
 * as the server may build these past its tracking, and all of them, with a warning, where tracking cannot be trusted.
 */
export async function narrowToTracked(
  { session, info, reporter }: { session: Session; info: MysqlInfo; reporter: Reporter },
  files: readonly TablespaceFile[],
  since: PageTracking | undefined,
): Promise<TablespaceFile[]> {
  const narrowed = await orWarn(reporter, 'every page is read', async () => {
    const tracking = await requireUsable(session, since);
    const pages = await withTrackedPages(session, info, tracking.startLsn, readTrackedPages);
    const whole = await readSpacesOfNewer(session, tracking);
    reporter.info(describe(pages, whole, files));
    return files.map((file) => narrow(file, pages, whole));
  });
  return narrowed ?? [...files];
}

async function requireUsable(
  session: Session,
  since: PageTracking | undefined,
): Promise<PageTracking> {
  if (!since) {
    throw new BackupError('failed', 'the parent was taken without page tracking');
  }
  if (isSameRun(since, await readServerStarted(session))) return since;
  // It does not know all that it wrote before a crash, and a crash looks as any other restart.
  throw new BackupError('failed', 'the server was restarted since the parent was taken');
}

const isSameRun = ({ serverStarted }: PageTracking, started: number): boolean =>
  Math.abs(started - serverStarted) <= startedToleranceSeconds;

function narrow(
  file: TablespaceFile,
  changed: ChangedPages,
  whole: ReadonlySet<number>,
): TablespaceFile {
  const { spaceId } = file;
  if (spaceId === undefined || whole.has(spaceId)) return file;
  return { ...file, changed: { spaceId, pages: changed.get(spaceId) ?? new Map() } };
}

function describe(
  changed: ChangedPages,
  whole: ReadonlySet<number>,
  files: readonly TablespaceFile[],
): string {
  const there = new Set(files.map(({ spaceId }) => spaceId));
  let [pages, spaces] = [0, 0];
  for (const [spaceId, segments] of changed) {
    if (!there.has(spaceId) || whole.has(spaceId)) continue;
    pages += countPages(segments);
    spaces += 1;
  }
  const built = [...whole].filter((spaceId) => there.has(spaceId)).length;
  return (
    `page tracking: the server wrote ${pages} pages of ${spaces} tablespaces since the parent was taken` +
    (built === 0 ? '' : `; ${built} with newer tables or indexes are read whole`)
  );
}

/** Page tracking saves time and nothing else: without it the backup is as good. */
async function orWarn<T>(
  reporter: Reporter,
  consequence: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    reporter.warn(`${reasonOf(error)}: ${consequence}`);
    return undefined;
  }
}

const reasonOf = ({ message, hint }: BackupError): string =>
  hint === undefined ? message : `${message} (${hint})`;
