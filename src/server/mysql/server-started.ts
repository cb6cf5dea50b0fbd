import { BackupError } from '../../errors.ts';
import type { Session } from '../session.ts';

/**
 * When the server process started, seconds since 1970. Both numbers come from one clock, so the
 * difference stays the same however that is set, but for what passes between reading them.
 */
export async function readServerStarted(session: Session): Promise<number> {
  const [row] = await session.rows(
    'SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE AS started ' +
      "FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'",
  );
  const started = Math.round(Number(row?.['started']));
  if (started > 0) return started;
  throw new BackupError('failed', 'the server does not tell when it started');
}
