import { type LockOptions, LockSession } from '../lock-session.ts';
import type { Access } from '../session.ts';

export const stages = ['START', 'FLUSH', 'BLOCK_DDL', 'BLOCK_COMMIT'] as const;
export type Stage = (typeof stages)[number];

/**
 * BACKUP STAGE on a connection of its own. The server ends the stage when the
 * connection dies, so even kill -9 leaves no lock behind.
 */
export class BackupStages {
  readonly #session: LockSession;
  /** The stage asked for last: from then on the connection may hold it, or wait for it. */
  #asked = -1;
  #commitsBlockedSince: number | undefined;
  #commitsBlockedMs = 0;

  private constructor(session: LockSession) {
    this.#session = session;
  }

  static async open(access: Access, options: LockOptions): Promise<BackupStages> {
    return new BackupStages(await LockSession.open(access, options));
  }

  /** Milliseconds that commits were held off. */
  get commitsBlockedMs(): number {
    return this.#commitsBlockedMs;
  }

  /** Goes on to a stage, through all before it; a stage already reached stays. */
  async reach(stage: Stage): Promise<void> {
    for (const next of stages.slice(this.#asked + 1, stages.indexOf(stage) + 1)) {
      if (next === 'BLOCK_COMMIT') this.#commitsBlockedSince = performance.now();
      this.#asked = stages.indexOf(next);
      await this.#session.run(`BACKUP STAGE ${next}`);
    }
  }

  /** Releases everything; to be called while the work went well. */
  async end(): Promise<void> {
    if (this.#asked >= 0) await this.#session.run('BACKUP STAGE END');
    this.#asked = -1;
    if (this.#commitsBlockedSince !== undefined) {
      this.#commitsBlockedMs = performance.now() - this.#commitsBlockedSince;
    }
  }

  /** The way out on every path: drops the connection and with it whatever it holds. Never throws. */
  async close(): Promise<void> {
    await this.#session.close({ holds: this.#asked >= 0 });
  }
}
