import type { Reporter } from '../reporter.ts';
import { refuseOtherEngines } from '../server/engines.ts';
import { type ServerInfo, readServerInfo } from '../server/server-info.ts';
import { type Access, Session } from '../server/session.ts';
import type { CleanUp } from './clean-up.ts';
import type { Course, LockDdl } from './course.ts';
import { MariadbCourse } from './mariadb/mariadb-course.ts';
import { MysqlCourse } from './mysql/mysql-course.ts';

export interface ConnectOptions {
  access: Access;
  datadir?: string | undefined;
  lockDdl?: LockDdl | undefined;
  registerConsumer: boolean;
  lockTimeoutSeconds: number;
}

/** Connects and makes every check of the server that needs no lock. */
export async function connect(
  options: ConnectOptions,
  reporter: Reporter,
  cleanUp: CleanUp,
): Promise<{ session: Session; course: Course }> {
  const session = await Session.open(options.access);
  cleanUp.add(() => {
    session.destroy();
  });
  const info = await readServerInfo(session, options.datadir);
  const course =
    info.flavour === 'mariadb'
      ? await MariadbCourse.open(info, session, options)
      : await MysqlCourse.open(info, session, options);
  cleanUp.add(() => course.close());
  await refuseOtherEngines(session);
  reporter.info(`connected to ${describeServer(info)}, data directory ${info.datadir}`);
  return { session, course };
}

/** `MariaDB 10.11.19-MariaDB-log` */
export function describeServer({ flavour, version }: ServerInfo): string {
  return `${flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${version}`;
}
