import { metaName } from '../../../formats/delta/index.ts';
import type { MemberWriter, Members } from '../../archive/member-store.ts';
import { writeMember } from '../../archive/write-member.ts';
import { BackupError } from '../../errors.ts';
import { shareJobs } from '../../worker/share-jobs.ts';
import { type Thread, startThread } from '../../worker/thread.ts';
import type {
  Chunk,
  CopiedFile,
  CopiedMember,
  CopyJob,
  CopyThreadData,
  FromCopyThread,
  OpenedMember,
  PageCount,
  ToCopyThread,
} from './copy-messages.ts';

/** What became of a job. */
export type CopyOutcome = { copied: CopiedFile } | { vanished: CopyJob };

/** The copy threads: they live through the whole backup and take the files of each stage in turn. */
export class CopyPool {
  readonly #copiers: Copier[];

  /** `onPages` is told of the pages of an increment. */
  constructor(
    threads: number,
    data: CopyThreadData,
    store: Members,
    onPages: (pages: PageCount) => void = () => undefined,
  ) {
    this.#copiers = Array.from({ length: threads }, () => new Copier(data, store, onPages));
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
  member: Promise<MemberWriter> | undefined;
  written: Promise<void>;
  done: (outcome: CopyOutcome) => void;
  fail: (error: unknown) => void;
}

class Copier {
  readonly #thread: Thread<ToCopyThread>;
  readonly #store: Members;
  readonly #onPages: (pages: PageCount) => void;
  #current: Current | undefined;

  constructor(data: CopyThreadData, store: Members, onPages: (pages: PageCount) => void) {
    this.#store = store;
    this.#onPages = onPages;
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
      this.#current = { job, member: undefined, written, done, fail };
    });
    this.#thread.post({ kind: 'job', job });
    return await Promise.race([outcome, this.#thread.failed]);
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
  }

  /** The `.meta` of a `.delta` is all in the archive before it begins. */
  async #open(job: CopyJob, opened: OpenedMember): Promise<MemberWriter> {
    const { spaceId, pageSize, suffix, meta } = opened;
    if (meta) await writeMember(this.#store, metaName(job.member), meta);
    return this.#store.open({ path: job.member + suffix, spaceId, pageSize });
  }

  async #write(
    opened: Promise<MemberWriter> | undefined,
    { buffer, length, crc, sha256 }: Chunk,
  ): Promise<void> {
    const member = await opened;
    if (!member) throw new BackupError('failed', 'a chunk came before its member');
    await member.write(new Uint8Array(buffer, 0, length), crc, sha256);
    this.#thread.post({ kind: 'buffer', buffer }, [buffer]);
  }

  async #close(current: Current, { file, plainSize, delta }: CopiedMember): Promise<void> {
    await current.written;
    const member = await current.member;
    await member?.close(plainSize, delta);
    current.done({ copied: file });
  }

  #take(message: FromCopyThread): void {
    const current = this.#current;
    if (!current) return;
    switch (message.kind) {
      case 'open':
        current.member = this.#open(current.job, message);
        current.member.catch(current.fail);
        break;
      case 'chunk':
        current.written = this.#write(current.member, message);
        current.written.catch(current.fail);
        break;
      case 'pages':
        this.#onPages(message);
        break;
      case 'copied':
        this.#close(current, message).catch(current.fail);
        break;
      case 'vanished':
        current.done({ vanished: current.job });
        break;
    }
  }
}
