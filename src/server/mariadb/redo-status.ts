import { BackupError } from '../../errors.ts';
import type { Session } from '../session.ts';

/** The server's word on its redo log. */
export interface RedoStatus {
  /** End of the log as it stands in memory. */
  currentLsn: number;
  /** Everything below is durable in the file: the only redo that may be copied. */
  flushedLsn: number;
}

export async function readRedoStatus(session: Session): Promise<RedoStatus> {
  const status = await session.map("SHOW GLOBAL STATUS LIKE 'Innodb\\_lsn\\_%'");
  return {
    currentLsn: lsn(status, 'Innodb_lsn_current'),
    flushedLsn: lsn(status, 'Innodb_lsn_flushed'),
  };
}

function lsn(status: Map<string, string>, name: string): number {
  const value = Number(status.get(name));
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new BackupError('failed', `the server reports ${name} = ${status.get(name) ?? 'nothing'}`);
}
