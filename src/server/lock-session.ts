import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError, hasCode } from '../errors.ts';
import { type Access, Session } from './session.ts';

/** How long the end of a wait may take when the tool ends. */
const killMsMax = 3000;

export interface LockOptions {
  /** How long each lock may wait for what other sessions hold. */
  lockTimeoutSeconds: number;
  /** After that the server ends a session that says nothing; 60 by default. */
  silentSecondsMax?: number | undefined;
  /**
   * How long a lock waits at a time, 30 by default. MySQL does not see that a client is gone while
   * it waits for one: what was killed would wait on, and hold off all that come after it.
   */
  waitSecondsMax?: number | undefined;
}

type Seconds = { readonly [name in keyof LockOptions]-?: number };

/**
 * A connection whose locks the server takes back when the process is gone, and soon when it is
 * there but stands still.
 */
export class LockSession {
  readonly #access: Access;
  readonly #session: Session;
  readonly #id: number;
  readonly #seconds: Seconds;
  readonly #heartbeat: NodeJS.Timeout;
  #statements = 0;

  private constructor(access: Access, session: Session, id: number, seconds: Seconds) {
    this.#access = access;
    this.#session = session;
    this.#id = id;
    this.#seconds = seconds;
    this.#heartbeat = setInterval(
      () => {
        if (this.#statements === 0) void this.run('DO 1').catch(() => undefined);
      },
      (seconds.silentSecondsMax * 1000) / 4,
    ).unref();
  }

  static async open(
    access: Access,
    { lockTimeoutSeconds, silentSecondsMax = 60, waitSecondsMax = 30 }: LockOptions,
  ): Promise<LockSession> {
    const session = await Session.open(access);
    const [row] = await session.rows('SELECT CONNECTION_ID() AS id');
    await session.run(
      `SET SESSION wait_timeout = ${silentSecondsMax}, lock_wait_timeout = ${lockTimeoutSeconds}`,
    );
    const seconds = { lockTimeoutSeconds, silentSecondsMax, waitSecondsMax };
    return new LockSession(access, session, Number(row?.['id']), seconds);
  }

  async run(sql: string): Promise<void> {
    this.#statements += 1;
    try {
      await this.#session.run(sql);
    } finally {
      this.#statements -= 1;
    }
  }

  /** A statement that waits for what other sessions hold. In between those who wait behind it get their turn. */
  async lock(sql: string): Promise<void> {
    const { lockTimeoutSeconds, waitSecondsMax } = this.#seconds;
    for (let left = lockTimeoutSeconds; ; left -= waitSecondsMax) {
      await this.run(`SET SESSION lock_wait_timeout = ${Math.min(left, waitSecondsMax)}`);
      try {
        await this.run(sql);
        return;
      } catch (error) {
        if (left <= waitSecondsMax || !isTimeout(error)) throw error;
      }
    }
  }

  /** Drops what it holds, or waits for. Never throws. `holds`: whether there can be anything. */
  async close({ holds }: { holds: boolean }): Promise<void> {
    clearInterval(this.#heartbeat);
    if (this.#statements > 0) {
      const killed = this.#kill().catch(() => undefined);
      await Promise.race([killed, sleep(killMsMax, undefined, { ref: false })]);
    }
    if (holds) this.#session.destroy();
    else await this.#session.close();
  }

  async #kill(): Promise<void> {
    const other = await Session.open(this.#access);
    await other.run(`KILL ${this.#id}`);
    await other.close();
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof BackupError && hasCode(error.cause, 'ER_LOCK_WAIT_TIMEOUT');
}
