import type { MemberStore } from '../archive/member-store.ts';
import type { Reporter } from '../reporter.ts';
import type { PageCount } from './copy/copy-messages.ts';
import type { RedoProgress } from './redo/redo-messages.ts';

const reportEveryMs = 500;
/** A redo overrun is foreseen, not discovered: below this share of head-room it warns. */
const warnBelow = 0.25;

/** Tells twice a second how far the backup is, and when the redo log is about to get away. */
export class BackupProgress {
  readonly #reporter: Reporter;
  readonly #timer: NodeJS.Timeout;
  #store: MemberStore | undefined;
  #redo: RedoProgress | undefined;
  #totalBytes = 0;
  #warned = false;
  /** Of an increment. */
  readonly #pages: PageCount = { read: 0, bytes: 0, taken: 0 };

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
    this.#timer = setInterval(() => {
      this.#report();
    }, reportEveryMs);
  }

  watch(store: MemberStore): void {
    this.#store = store;
  }

  expect(bytes: number): void {
    this.#totalBytes += bytes;
  }

  readonly onPages = ({ read, bytes, taken }: PageCount): void => {
    this.#pages.read += read;
    this.#pages.bytes += bytes;
    this.#pages.taken += taken;
  };

  describePages(): string {
    const { read, taken } = this.#pages;
    return `${read} pages read, ${taken} of them taken`;
  }

  readonly onRedo = (redo: RedoProgress): void => {
    this.#redo = redo;
    const share = redo.headRoom / redo.capacity;
    if (share >= warnBelow) this.#warned = false;
    else if (!this.#warned) {
      this.#warned = true;
      this.#reporter.warn(
        `the redo log is nearly overrun: ${Math.round(share * 100)} % of ${redo.capacity} bytes left`,
      );
    }
  };

  stop(): void {
    clearInterval(this.#timer);
  }

  #report(): void {
    if (!this.#store) return;
    // What an increment reads is on the way, whether it is taken or not.
    const bytes = this.#store.bytesWritten + this.#pages.bytes;
    const redo = this.#redo;
    this.#reporter.progress({
      bytes,
      // Redo comes on top of what the files promised.
      totalBytes: Math.max(bytes, this.#totalBytes),
      ...(redo && {
        redoHeadRoom: {
          bytes: redo.headRoom,
          capacity: redo.capacity,
          spilledBytes: redo.spilledBytes,
        },
      }),
    });
  }
}
