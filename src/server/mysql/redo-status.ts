import { BackupError } from '../../errors.ts';
import { readLsn } from '../read-lsn.ts';
import type { RedoStatus } from '../redo-status.ts';
import type { Session } from '../session.ts';

/** What MySQL says on top: its log has no fixed size. */
export interface MysqlRedoStatus extends RedoStatus {
  /** innodb_redo_log_capacity as it is in force, bytes. */
  capacity: number;
}

/** Throws as soon as the server writes no redo: pages copied since then have nothing to lean on. */
export async function readRedoStatus(session: Session): Promise<MysqlRedoStatus> {
  const status = await session.map("SHOW GLOBAL STATUS LIKE 'Innodb\\_redo\\_log\\_%'");
  if (status.get('Innodb_redo_log_enabled') !== 'ON') {
    throw new BackupError('failed', 'redo logging is disabled on the server', {
      hint: 'ALTER INSTANCE ENABLE INNODB REDO_LOG; then back up',
    });
  }
  return {
    currentLsn: readLsn(status, 'Innodb_redo_log_current_lsn'),
    flushedLsn: readLsn(status, 'Innodb_redo_log_flushed_to_disk_lsn'),
    capacity: readLsn(status, 'Innodb_redo_log_capacity_resized'),
  };
}
