import type { MemberWriter, Members } from '../../archive/member-store.ts';
import { BackupError } from '../../errors.ts';
import { shareJobs } from '../../worker/share-jobs.ts';
import { type Thread, startThread } from '../../worker/thread.ts';
import type {
  Chunk,
  CopiedFile,
  CopyJob,
  CopyThreadData,
  FromCopyThread,
  ToCopyThread,
} from './copy-messages.ts';

/** What became of a job. */
export type CopyOutcome = { copied: CopiedFile } | { vanished: CopyJob };

/** The copy threads: they live through the whole backup and take the files of each stage in turn. */
export class CopyPool {
  readonly #copiers: Copier[];

  constructor(threads: number, data: CopyThreadData, store: Members) {
    this.#copiers = Array.from({ length: threads }, () => new Copier(data, store));
  }

  /** Copies all files, each by whichever thread is free; the first failure fails all. */
  async copy(jobs: readonly CopyJob[]): Promise<CopyOutcome[]> {
    return await shareJobs(this.#copiers, jobs, (copier, job) => copier.copy(job));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#copiers.map((copier) => copier.stop()));
  }
}

/** The file that a thread is at. */
interface Current {
  job: CopyJob;
  member: MemberWriter | undefined;
  encoded: boolean;
  written: Promise<void>;
  done: (outcome: CopyOutcome) => void;
  fail: (error: unknown) => void;
}

class Copier {
  readonly #thread: Thread<ToCopyThread>;
  readonly #store: Members;
  #current: Current | undefined;

  constructor(data: CopyThreadData, store: Members) {
    this.#store = store;
    this.#thread = startThread<ToCopyThread, FromCopyThread>(
      import.meta.url,
      'copy-thread',
      data,
      (message) => {
        this.#take(message);
      },
    );
  }

  async copy(job: CopyJob): Promise<CopyOutcome> {
    const outcome = new Promise<CopyOutcome>((done, fail) => {
      const written = Promise.resolve();
      this.#current = { job, member: undefined, encoded: false, written, done, fail };
    });
    this.#thread.post({ kind: 'job', job });
    return await Promise.race([outcome, this.#thread.failed]);
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
  }

  async #write(
    member: MemberWriter | undefined,
    { buffer, length, crc, sha256 }: Chunk,
  ): Promise<void> {
    if (!member) throw new BackupError('failed', 'a chunk came before its member');
    await member.write(new Uint8Array(buffer, 0, length), crc, sha256);
    this.#thread.post({ kind: 'buffer', buffer }, [buffer]);
  }

  async #close(current: Current, copied: CopiedFile): Promise<void> {
    await current.written;
    await current.member?.close(current.encoded ? copied.size : undefined);
    current.done({ copied });
  }

  #take(message: FromCopyThread): void {
    const current = this.#current;
    if (!current) return;
    try {
      switch (message.kind) {
        case 'open': {
          const { spaceId, pageSize, suffix } = message;
          const path = current.job.member + suffix;
          current.member = this.#store.open({ path, spaceId, pageSize });
          current.encoded = suffix !== '';
          break;
        }
        case 'chunk':
          current.written = this.#write(current.member, message);
          current.written.catch(current.fail);
          break;
        case 'copied':
          this.#close(current, message.file).catch(current.fail);
          break;
        case 'vanished':
          current.done({ vanished: current.job });
          break;
      }
    } catch (error) {
      current.fail(error);
    }
  }
}
