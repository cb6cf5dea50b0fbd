import { toBackupError } from '../../errors.ts';
import type { Session } from '../session.ts';

/**
 * Seconds that the server waits for a word from the session. A consumer that
 * does not advance stalls every write of the server, so a process that hangs or a
 * host that is gone must lose its session soon.
 */
const sessionTimeoutSeconds = 20;

/**
 * Registers the session as a consumer of the redo log: the server then keeps the
 * files until `advanceConsumer` has passed them. The server forgets the consumer when
 * the session ends, however it ends. Returns why it could not be, or undefined.
 */
export async function registerConsumer(session: Session): Promise<string | undefined> {
  try {
    const [row] = await session.rows('SELECT innodb_redo_log_consumer_register() AS refused');
    if (Number(row?.['refused']) !== 0) return 'another consumer is registered';
  } catch (error) {
    return toBackupError(error).message;
  }
  await session.run(`SET SESSION wait_timeout = ${sessionTimeoutSeconds}`);
  return undefined;
}

/** Redo below `lsn` is no longer needed. */
export async function advanceConsumer(session: Session, lsn: number): Promise<void> {
  await session.run(`DO innodb_redo_log_consumer_advance(${lsn})`);
}

/** From now on the server may overwrite what it likes. */
export async function unregisterConsumer(session: Session): Promise<void> {
  await session.run('DO innodb_redo_log_consumer_unregister()');
}
