import { BackupError } from '../../errors.ts';
import { type Privilege, checkPrivileges, currentAccount } from '../privileges.ts';
import type { Session } from '../session.ts';

/** The lock and the log status; every tablespace; flushing. */
const needed: Privilege[] = [{ name: 'BACKUP_ADMIN' }, { name: 'PROCESS' }, { name: 'RELOAD' }];

/** All that a backup needs, with the GRANT for what is missing. */
export async function checkMysqlPrivileges(session: Session): Promise<void> {
  await checkPrivileges(session, needed);
  try {
    await session.rows('SELECT 1 FROM performance_schema.log_status');
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'access') throw error;
    const account = await currentAccount(session);
    throw new BackupError('access', `${account} may not read performance_schema.log_status`, {
      hint: `GRANT SELECT ON performance_schema.log_status TO ${account};`,
      cause: error,
    });
  }
}
