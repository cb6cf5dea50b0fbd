import { type LockOptions, LockSession } from '../lock-session.ts';
import type { Access } from '../session.ts';

/**
 * LOCK INSTANCE FOR BACKUP, and FLUSH TABLES WITH READ LOCK on top of it, on a
 * connection of its own. The server drops both when the connection dies, so
 * even kill -9 leaves no lock behind for long.
 */
export class InstanceLock {
  readonly #session: LockSession;
  #held = false;
  #tablesLockedSince: number | undefined;
  #commitsBlockedMs = 0;

  private constructor(session: LockSession) {
    this.#session = session;
  }

  static async open(access: Access, options: LockOptions): Promise<InstanceLock> {
    return new InstanceLock(await LockSession.open(access, options));
  }

  /** Milliseconds that commits were held off. */
  get commitsBlockedMs(): number {
    return this.#commitsBlockedMs;
  }

  /** Holds off DDL, undo truncation and the purge of binlogs; rows may be changed on. */
  async lockInstance(): Promise<void> {
    this.#held = true;
    await this.#session.lock('LOCK INSTANCE FOR BACKUP');
  }

  /** Holds off every change to any table. */
  async lockTables(): Promise<void> {
    // Flushed before, so that little is left to flush while everybody waits.
    await this.#session.lock('FLUSH NO_WRITE_TO_BINLOG TABLES');
    this.#tablesLockedSince = performance.now();
    await this.#session.lock('FLUSH TABLES WITH READ LOCK');
  }

  async unlockTables(): Promise<void> {
    if (this.#tablesLockedSince === undefined) return;
    await this.#session.run('UNLOCK TABLES');
    this.#commitsBlockedMs = performance.now() - this.#tablesLockedSince;
    this.#tablesLockedSince = undefined;
  }

  /** Releases everything; to be called while the work went well. */
  async end(): Promise<void> {
    await this.unlockTables();
    await this.#session.run('UNLOCK INSTANCE');
    this.#held = false;
  }

  /** The way out on every path: drops the connection and with it whatever it holds. Never throws. */
  async close(): Promise<void> {
    await this.#session.close({ holds: this.#held });
  }
}
