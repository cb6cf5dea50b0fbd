import { encodeBackupHeader } from '../../../formats/mysql-redo/index.ts';
import {
  advanceConsumer,
  registerConsumer,
  unregisterConsumer,
} from '../../server/mysql/redo-consumer.ts';
import { type MysqlRedoStatus, readRedoStatus } from '../../server/mysql/redo-status.ts';
import type { Session } from '../../server/session.ts';
import { BackupError } from '../../errors.ts';
import type { RedoEnd, RedoFollower, RedoOutput } from '../redo/redo-follower.ts';
import { RedoCopier, type RedoToCopy } from './redo-copier.ts';

/**
 * Follows MySQL's `#innodb_redo`. `register`: as a consumer of the log, so that the
 * server keeps what was not copied; from then on the session must be used or closed.
 */
export async function followMysqlRedo(
  session: Session,
  log: RedoToCopy & { register: boolean },
  output: RedoOutput,
): Promise<RedoFollower> {
  const refusal = log.register ? await registerConsumer(session) : 'not asked to';
  const status = await readRedoStatus(session);
  const copier = new RedoCopier(log, output);
  const redo = new MysqlRedo(session, copier, status, refusal === undefined);
  if (log.register && refusal !== undefined) {
    redo.notice = `not registered as redo log consumer, so the log can get away: ${refusal}`;
  }
  return redo;
}

class MysqlRedo implements RedoFollower {
  readonly head: Uint8Array;
  readonly startLsn: number;
  notice: string | undefined;
  readonly #session: Session;
  readonly #copier: RedoCopier;
  readonly #registered: boolean;
  #status: MysqlRedoStatus;
  #advanced = 0;

  constructor(session: Session, copier: RedoCopier, status: MysqlRedoStatus, registered: boolean) {
    this.#session = session;
    this.#copier = copier;
    this.#status = status;
    this.#registered = registered;
    const { lsn: checkpointLsn, header: source } = copier.checkpoint;
    this.startLsn = checkpointLsn;
    this.head = encodeBackupHeader({ source, checkpointLsn, startedAt: new Date() });
  }

  get position(): number {
    return this.#copier.position;
  }

  get capacity(): number {
    return this.#status.capacity;
  }

  /** How much the log may grow; the server may also reuse a file as soon as a checkpoint is past it. */
  get headRoom(): number {
    return this.capacity - (this.#status.currentLsn - this.position);
  }

  hold(): void {
    this.#copier.hold();
  }

  async turn(stopLsn?: number): Promise<RedoEnd | undefined> {
    const copier = this.#copier;
    this.#status = await readRedoStatus(this.#session);
    let isEnd = false;
    try {
      if (stopLsn === undefined) copier.copy(this.#status);
      else isEnd = copier.end(this.#status, stopLsn);
    } catch (error) {
      throw await this.#asOfNow(error);
    }
    await this.#advance();
    if (!isEnd) return undefined;
    return { checkpointLsn: this.startLsn, lastLsn: copier.position };
  }

  async close(): Promise<void> {
    this.#copier.close();
    // The server forgets the consumer with its session at the latest.
    if (this.#registered) await unregisterConsumer(this.#session).catch(() => undefined);
    await this.#session.close();
  }

  /** Whoever stood still for long is further behind than the status from before tells. */
  async #asOfNow(error: unknown): Promise<unknown> {
    if (!(error instanceof BackupError) || error.code !== 'overrun') return error;
    try {
      this.#status = await readRedoStatus(this.#session);
    } catch {
      // The server is gone as well: what it said last must do.
    }
    return this.#copier.overrun(this.#status);
  }

  async #advance(): Promise<void> {
    if (!this.#registered || this.position <= this.#advanced) return;
    this.#advanced = this.position;
    await advanceConsumer(this.#session, this.position);
  }
}
