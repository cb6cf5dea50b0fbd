import { BackupError, toBackupError } from '../../errors.ts';
import { MemberDecoder } from '../../transform/member-decoder.ts';
import { BufferPool } from '../../worker/buffer-pool.ts';
import { collectGarbage } from '../../worker/collect-garbage.ts';
import { JobQueue } from '../../worker/job-queue.ts';
import { type ThreadPort, runThread } from '../../worker/thread.ts';
import type { DecodeThreadData, FromDecodeThread, ToDecodeThread } from './decode-messages.ts';

type Job = Exclude<ToDecodeThread, { kind: 'buffer' }>;
type Port = ThreadPort<FromDecodeThread, ToDecodeThread>;

/** Decrypts and decompresses members; several may be open, their bytes come in any mixture. */
runThread<DecodeThreadData, FromDecodeThread, ToDecodeThread>(async (data, port) => {
  const pool = new BufferPool(data.buffers, data.bufferBytes);
  const members = new Map<number, Member>();
  const jobs = new JobQueue<Job>();
  port.onMessage((message) => {
    if (message.kind === 'buffer') pool.back(message.buffer);
    else jobs.push(message);
  });
  for (;;) {
    const job = await jobs.next();
    if (job.kind === 'open') {
      members.set(job.id, new Member(job, data.key, pool, port));
    } else if (job.kind === 'bytes') {
      await members.get(job.id)?.decode(new Uint8Array(job.buffer, 0, job.length));
      port.post({ kind: 'taken', buffer: job.buffer }, [job.buffer]);
      await collectGarbage();
    } else {
      members.get(job.id)?.end(job.mayBeCut);
      members.delete(job.id);
    }
  }
});

class Member {
  readonly #id: number;
  readonly #path: string;
  readonly #decoder: MemberDecoder;
  readonly #pool: BufferPool;
  readonly #port: Port;

  constructor(
    { id, path, suffixes }: Extract<ToDecodeThread, { kind: 'open' }>,
    key: Uint8Array | undefined,
    pool: BufferPool,
    port: Port,
  ) {
    this.#id = id;
    this.#path = path;
    this.#decoder = new MemberDecoder(suffixes, key);
    this.#pool = pool;
    this.#port = port;
  }

  /** Pieces are joined in buffers; none is kept, as another member may need it. */
  async decode(bytes: Uint8Array): Promise<void> {
    let buffer: Uint8Array<ArrayBuffer> | undefined;
    let filled = 0;
    try {
      for (const piece of this.#decoder.push(bytes)) {
        for (let at = 0; at < piece.length;) {
          buffer ??= await this.#pool.take();
          const part = piece.subarray(at, at + buffer.length - filled);
          buffer.set(part, filled);
          filled += part.length;
          at += part.length;
          if (filled < buffer.length) continue;
          this.#send(buffer, filled);
          buffer = undefined;
          filled = 0;
        }
      }
    } catch (error) {
      throw this.#named(error);
    }
    if (buffer) this.#send(buffer, filled);
  }

  end(mayBeCut: boolean): void {
    const id = this.#id;
    try {
      this.#decoder.end();
    } catch (error) {
      const cut = this.#named(error);
      if (!mayBeCut || cut.code !== 'incomplete') throw cut;
      this.#port.post({ kind: 'ended', id, cut: cut.message });
      return;
    }
    this.#port.post({ kind: 'ended', id });
  }

  #send({ buffer }: Uint8Array<ArrayBuffer>, length: number): void {
    this.#port.post({ kind: 'plain', id: this.#id, buffer, length }, [buffer]);
  }

  #named(thrown: unknown): BackupError {
    const { code, message, hint, where } = toBackupError(thrown);
    return new BackupError(code, `${this.#path}: ${message}`, {
      where: { ...where, path: this.#path },
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
