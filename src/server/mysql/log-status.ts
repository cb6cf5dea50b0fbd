import { BackupError } from '../../errors.ts';
import type { Session } from '../session.ts';

/** One moment of the server: what its redo log, binlog and GTIDs have in common. */
export interface LogStatus {
  /** Every change up to here belongs to the moment, and none behind it. */
  lsn: number;
  checkpointLsn: number;
  /** Undefined when the binlog is off. */
  binlog: { file: string; position: number; gtid: string } | undefined;
}

/** All resources are read while they are locked against each other, so the parts fit together. */
export async function readLogStatus(session: Session): Promise<LogStatus> {
  const [row] = await session.rows(
    'SELECT local, storage_engines FROM performance_schema.log_status',
  );
  const local = jsonObject(row?.['local'] ?? row?.['LOCAL']);
  const innodb = jsonObject(
    jsonObject(row?.['storage_engines'] ?? row?.['STORAGE_ENGINES'])['InnoDB'],
  );
  const lsn = Number(innodb['LSN']);
  const checkpointLsn = Number(innodb['LSN_checkpoint']);
  if (!Number.isSafeInteger(lsn) || !Number.isSafeInteger(checkpointLsn)) {
    throw new BackupError('failed', 'performance_schema.log_status does not tell the LSN');
  }
  const file = text(local['binary_log_file']);
  const position = Number(local['binary_log_position'] ?? 0);
  // The server breaks the lines of a long set.
  const gtid = text(local['gtid_executed']).replaceAll('\n', '');
  return { lsn, checkpointLsn, binlog: file === '' ? undefined : { file, position, gtid } };
}

/** The driver hands JSON columns over parsed or as text, by its version. */
function jsonObject(value: unknown): Record<string, unknown> {
  const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
