import type { Reporter } from '../reporter.ts';
import { refuseOtherEngines } from '../server/engines.ts';
import { type ServerInfo, readServerInfo } from '../server/server-info.ts';
import { type Access, Session } from '../server/session.ts';
import type { CleanUp } from './clean-up.ts';
import type { Course, LockDdl, RedoState } from './course.ts';
import { MariadbCourse } from './mariadb/mariadb-course.ts';
import { MysqlCourse } from './mysql/mysql-course.ts';
import { checkLineage } from './parent/lineage.ts';
import { readLastRestore } from './parent/last-restore.ts';
import type { Parent } from './parent/parent.ts';

export interface ConnectOptions {
  access: Access;
  datadir?: string | undefined;
  lockDdl?: LockDdl | undefined;
  registerConsumer: boolean;
  lockTimeoutSeconds: number;
  /** The backup that an increment is taken on. */
  parent?: Parent | undefined;
}

/** Connects and makes every check of the server that needs no lock. */
export async function connect(
  options: ConnectOptions,
  reporter: Reporter,
  cleanUp: CleanUp,
): Promise<{ session: Session; course: Course; redo: RedoState }> {
  const session = await Session.open(options.access);
  cleanUp.add(() => {
    session.destroy();
  });
  const info = await readServerInfo(session, options.datadir);
  const course =
    info.flavour === 'mariadb'
      ? await MariadbCourse.open(info, session, options)
      : await MysqlCourse.open(info, session, options);
  cleanUp.addFirst(() => course.close());
  await refuseOtherEngines(session);
  reporter.info(`connected to ${describeServer(info)}, data directory ${info.datadir}`);
  const redo = await course.readRedo(session);
  if (options.parent) await checkParent(options.parent, { session, course, redo });
  return { session, course, redo };
}

async function checkParent(
  parent: Parent,
  { session, course, redo }: { session: Session; course: Course; redo: RedoState },
): Promise<void> {
  const { startedAt } = parent;
  const redoGap = startedAt && (await course.readRedoGap(session, startedAt));
  const { info } = course;
  checkLineage(parent, { info, redo, redoGap, lastRestore: readLastRestore(info.datadir) });
}

/** `MariaDB 10.11.19-MariaDB-log` */
export function describeServer({ flavour, version }: ServerInfo): string {
  return `${flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${version}`;
}
