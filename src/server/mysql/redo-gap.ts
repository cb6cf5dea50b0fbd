import { BackupError } from '../../errors.ts';
import { currentAccount } from '../privileges.ts';
import type { Session } from '../session.ts';

/**
 * What the server writes into its error log at ALTER INSTANCE DISABLE INNODB REDO_LOG, under other
 * codes by its version. It is a warning: with log_error_verbosity = 1 it is not written.
 */
const redoDisabled = 'InnoDB redo logging is disabled%';

/**
 * When redo logging was switched off since a moment, as the error log words it; undefined: not, as
 * far as the log goes back. It is read anew from its file when the server starts.
 * @throws BackupError access, with the GRANT, when the account may not read it.
 */
export async function readRedoGap(session: Session, since: Date): Promise<string | undefined> {
  const [row] = await readErrorLog(session, since);
  return row && `${String(row['logged'])}: ${String(row['text'])}`;
}

async function readErrorLog(session: Session, since: Date): Promise<Record<string, unknown>[]> {
  const seconds = Math.floor(since.getTime() / 1000);
  try {
    return await session.rows(
      'SELECT CAST(logged AS CHAR) AS logged, data AS text FROM performance_schema.error_log ' +
        `WHERE data LIKE '${redoDisabled}' AND logged >= FROM_UNIXTIME(${seconds}) LIMIT 1`,
    );
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'access') throw error;
    const account = await currentAccount(session);
    throw new BackupError('access', `${account} may not read performance_schema.error_log`, {
      hint: `it tells whether redo logging was ever off: GRANT SELECT ON performance_schema.error_log TO ${account};`,
      cause: error,
    });
  }
}
