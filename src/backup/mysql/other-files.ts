import { join } from 'node:path';
import type { MysqlInfo } from '../../server/mysql/mysql-info.ts';
import type { CopyJob } from '../copy/copy-messages.ts';
import { listDatabases, readDirectory } from '../plan/directories.ts';

/** Files other than InnoDB's, by extension; true: rows are in them, which statements change. */
const kinds: Readonly<Record<string, boolean>> = {
  '.MYD': true,
  '.MYI': true,
  '.CSV': true,
  '.CSM': true,
  '.ARZ': true,
  '.ARM': true,
  '.MRG': false,
  '.opt': false,
  '.sdi': false,
};

/** Log tables of the server, where they are of CSV: rows are only ever added, each with one write. */
const logTables = /^mysql\/(general_log|slow_log)\.(CSV|CSM)$/;

export interface OtherFiles {
  jobs: CopyJob[];
  /** Tables outside of InnoDB hold rows: they keep still under a lock only. */
  anyRows: boolean;
  /** Databases without a file of any kind: an empty `db.opt` stands for the directory. */
  emptyDatabases: string[];
}

/**
 * Everything in the database directories that is no tablespace. Found by the files,
 * because information_schema hides tables that the account has no rights on.
 */
export function listOtherFiles({ datadir }: MysqlInfo): OtherFiles {
  const found: OtherFiles = { jobs: [], anyRows: false, emptyDatabases: [] };
  for (const database of listDatabases(datadir)) {
    const names = readDirectory(join(datadir, database)).map((entry) => entry.name);
    const others = names.filter((name) => kinds[extension(name)] !== undefined);
    for (const name of others) {
      const member = `${database}/${name}`;
      found.jobs.push({ kind: 'plain', source: join(datadir, member), member });
      found.anyRows ||= kinds[extension(name)] === true && !logTables.test(member);
    }
    const tables = names.some((name) => name.endsWith('.ibd'));
    if (others.length === 0 && !tables) found.emptyDatabases.push(database);
  }
  return found;
}

function extension(name: string): string {
  return name.slice(name.lastIndexOf('.'));
}
