import { type FileRecord, encodeBackupHeader } from '../../../formats/mariadb-redo/index.ts';
import { readRedoStatus } from '../../server/mariadb/redo-status.ts';
import type { Session } from '../../server/session.ts';
import type { RedoEnd, RedoFollower, RedoOutput } from '../redo/redo-follower.ts';
import { RedoCopier } from './redo-copier.ts';

/** Follows MariaDB's `ib_logfile0`; `creator`: what the server checks in the header of a backup's log. */
export function followMariadbRedo(
  session: Session,
  log: { path: string; creator: string },
  output: RedoOutput,
  onFileRecord: (record: FileRecord) => void,
): RedoFollower {
  const copier = new RedoCopier(log.path, output, onFileRecord);
  return new MariadbRedo(session, copier, log.creator);
}

class MariadbRedo implements RedoFollower {
  readonly head: Uint8Array;
  readonly startLsn: number;
  readonly notice = undefined;
  readonly #session: Session;
  readonly #copier: RedoCopier;
  headRoom = Infinity;
  #target: RedoEnd | undefined;

  constructor(session: Session, copier: RedoCopier, creator: string) {
    this.#session = session;
    this.#copier = copier;
    this.startLsn = copier.position;
    this.head = encodeBackupHeader({ source: copier.log.header, ...copier.checkpoint, creator });
  }

  get position(): number {
    return this.#copier.position;
  }

  get capacity(): number {
    return this.#copier.log.ring.capacity;
  }

  async turn(stopLsn?: number): Promise<RedoEnd | undefined> {
    const copier = this.#copier;
    const status = await readRedoStatus(this.#session);
    if (stopLsn !== undefined) this.#target ??= this.#end(stopLsn);
    const target = this.#target;
    copier.copy(status, target?.lastLsn);
    // The target may lie inside a mini-transaction, which then belongs to the backup as a whole.
    if (target && copier.position < target.lastLsn && status.flushedLsn > target.lastLsn) {
      copier.copy(status);
    }
    this.headRoom = copier.headRoom(status);
    if (!target || copier.position < target.lastLsn) return undefined;
    copier.confirm(await readRedoStatus(this.#session));
    return { checkpointLsn: target.checkpointLsn, lastLsn: copier.position };
  }

  async close(): Promise<void> {
    this.#copier.close();
    await this.#session.close();
  }

  /** No earlier than the newest checkpoint, which the stock tools hold the end against. */
  #end(stopLsn: number): RedoEnd {
    const checkpointLsn = Number(this.#copier.log.checkpoint().checkpointLsn);
    return { checkpointLsn, lastLsn: Math.max(stopLsn, checkpointLsn) };
  }
}
