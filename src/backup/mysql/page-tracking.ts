import type { PageTracking } from '../../../formats/archive-record/index.ts';
import { countPages } from '../../../formats/page-track/index.ts';
import { BackupError } from '../../errors.ts';
import type { Reporter } from '../../reporter.ts';
import { readNewestIndexId, readSpacesOfNewerIndexes } from '../../server/mysql/index-ids.ts';
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
 * look for them. DDL must be held off already. Undefined, with a warning, where it does not.
 */
export async function trackPages(
  session: Session,
  reporter: Reporter,
): Promise<PageTracking | undefined> {
  return await orWarn(reporter, 'the next increment will read every page', async () => ({
    startLsn: await beginPageTracking(session),
    newestIndexId: await readNewestIndexId(session),
    serverStarted: await readServerStarted(session),
  }));
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
 * Where the list does not do, every page is read: files where an index was built, which the server
 * may write past its tracking, and all of them, with a warning, where tracking cannot be trusted.
 */
export async function narrowToTracked(
  { session, info, reporter }: { session: Session; info: MysqlInfo; reporter: Reporter },
  files: readonly TablespaceFile[],
  since: PageTracking | undefined,
): Promise<TablespaceFile[]> {
  const narrowed = await orWarn(reporter, 'every page is read', async () => {
    const tracking = await requireUsable(session, since);
    const pages = await withTrackedPages(session, info, tracking.startLsn, readTrackedPages);
    const whole = await readSpacesOfNewerIndexes(session, tracking.newestIndexId);
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
  const started = await readServerStarted(session);
  if (Math.abs(started - since.serverStarted) <= startedToleranceSeconds) return since;
  // What it had written between the last checkpoint and a crash it does not know.
  throw new BackupError('failed', 'the server was restarted since the parent was taken');
}

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
    (built === 0 ? '' : `; ${built} in which an index was built are read whole`)
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
