import type { MemberInfo, MemberWriter, Members } from '../../archive/member-store.ts';
import { BackupError } from '../../errors.ts';
import { type Thread, startThread } from '../../worker/thread.ts';
import type { RedoEnd } from './redo-follower.ts';
import type {
  DdlRecord,
  FromRedoThread,
  RedoProgress,
  RedoThreadData,
  ToRedoThread,
} from './redo-messages.ts';

/** Chunks that may be on their way to the sink. */
const creditsMax = 4;
/** How many DDL records are remembered; only those after the last rescan matter. */
const ddlRecordsMax = 10_000;

interface RedoStart {
  startLsn: number;
  notice: string | undefined;
}

interface Promised<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
}

function promised<T>(): Promised<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** The redo thread seen from the backup: starts first, stops last. */
export class RedoTail {
  readonly #thread: Thread<ToRedoThread>;
  readonly #started = promised<RedoStart>();
  readonly #held = promised<undefined>();
  readonly #reached = promised<RedoEnd>();
  readonly #drained = promised<undefined>();
  readonly #onProgress: (progress: RedoProgress) => void;
  readonly #ddl: DdlRecord[] = [];
  #member: MemberWriter | undefined;
  #written: Promise<void> = Promise.resolve();
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects as soon as the redo can no longer be copied whole. */
  readonly failed: Promise<never>;

  constructor(data: RedoThreadData, onProgress: (progress: RedoProgress) => void) {
    this.#onProgress = onProgress;
    this.#thread = startThread<ToRedoThread, FromRedoThread>(
      import.meta.url,
      'redo-thread',
      data,
      (message) => {
        this.#take(message);
      },
    );
    const unwritten = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed = Promise.race([this.#thread.failed, unwritten]);
    this.failed.catch(() => undefined);
  }

  /** Resolves with the checkpoint LSN that the backup starts at. */
  async started(): Promise<RedoStart> {
    return await Promise.race([this.#started.promise, this.failed]);
  }

  /** Lets the redo flow into the store; until then it waits in the thread. */
  flowInto(store: Members, member: MemberInfo): void {
    this.#member = store.open({ ...member, urgent: true });
    for (let i = 0; i < creditsMax; i++) this.#thread.post({ kind: 'credit' });
  }

  /** MySQL: resolves when nothing more is handed over before `reach` says where the redo ends. */
  async hold(): Promise<void> {
    this.#thread.post({ kind: 'hold' });
    await Promise.race([this.#held.promise, this.failed]);
  }

  /** Copies to `lsn` (MariaDB: at least); resolves when that redo is safe in our hands, not yet in the store. */
  async reach(lsn: number): Promise<RedoEnd> {
    this.#thread.post({ kind: 'finish', lsn });
    return await Promise.race([this.#reached.promise, this.failed]);
  }

  /** Waits until everything copied is in the store. */
  async drain(): Promise<void> {
    await Promise.race([this.#drained.promise, this.failed]);
    await this.#written;
    await this.#member?.close();
  }

  /** Tables created, renamed or deleted after `lsn`, as far as the log can be read without keys. */
  ddlAfter(lsn: number): DdlRecord[] {
    return this.#ddl.filter((record) => record.lsn > lsn);
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
  }

  #take(message: FromRedoThread): void {
    switch (message.kind) {
      case 'started':
        this.#started.resolve(message);
        break;
      case 'chunk':
        this.#written = this.#write(message.bytes, message.crc);
        break;
      case 'ddl':
        this.#ddl.push(message);
        if (this.#ddl.length > ddlRecordsMax) this.#ddl.shift();
        break;
      case 'progress':
        this.#onProgress(message);
        break;
      case 'held':
        this.#held.resolve(undefined);
        break;
      case 'reached':
        this.#reached.resolve(message);
        break;
      case 'drained':
        this.#drained.resolve(undefined);
        break;
    }
  }

  async #write(bytes: Uint8Array, crc: number): Promise<void> {
    try {
      if (!this.#member) throw new BackupError('failed', 'redo came before there was a store');
      await this.#member.write(bytes, crc);
      this.#thread.post({ kind: 'credit' });
    } catch (error) {
      this.#fail(error);
    }
  }
}
