import { readLsn } from '../read-lsn.ts';
import type { RedoStatus } from '../redo-status.ts';
import type { Session } from '../session.ts';

export async function readRedoStatus(session: Session): Promise<RedoStatus> {
  const status = await session.map("SHOW GLOBAL STATUS LIKE 'Innodb\\_lsn\\_%'");
  return {
    currentLsn: readLsn(status, 'Innodb_lsn_current'),
    flushedLsn: readLsn(status, 'Innodb_lsn_flushed'),
  };
}
