import { availableParallelism } from 'node:os';
import { BackupError } from '../../errors.ts';
import type { Suffix } from '../../transform/member-decoder.ts';
import { BufferPool } from '../../worker/buffer-pool.ts';
import { type Thread, startThread } from '../../worker/thread.ts';
import type { DecodeThreadData, FromDecodeThread, ToDecodeThread } from './decode-messages.ts';

/** Of each thread: for encoded bytes that wait for it, and for decoded ones on their way from it. */
const inputs = { buffers: 16, bufferBytes: 128 * 1024 };
const outputs = { buffers: 4, bufferBytes: 512 * 1024 };
const threadsMax = 4;

/** Takes the decoded bytes of one member, in order, one piece at a time. */
export interface PlainOutput {
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** An encoded member on its way through a thread. */
export interface DecodedMember {
  /** Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more bytes come. `settle` of the pool tells when the output has all. */
  end(): void;
}

export interface DecodePoolOptions {
  /** How many threads there may be, 4 unless told; no more than the machine has processors. */
  threads?: number | undefined;
  /** Hears of a member whose last frame or chunk is cut; without it, that is a failure. */
  onCut?: ((fault: BackupError) => void) | undefined;
}

/** Threads that decode members while the archive is read on. */
export class DecodePool {
  readonly #key: Uint8Array | undefined;
  readonly #threads: number;
  readonly #onCut: DecodePoolOptions['onCut'];
  readonly #slots: Slot[] = [];
  #lastId = 0;

  constructor(key: Uint8Array | undefined, options: DecodePoolOptions = {}) {
    this.#key = key;
    this.#threads = Math.min(options.threads ?? threadsMax, availableParallelism());
    this.#onCut = options.onCut;
  }

  open(path: string, suffixes: readonly Suffix[], output: PlainOutput): DecodedMember {
    const id = ++this.#lastId;
    return this.#leastBusy().open({ id, path, suffixes }, output);
  }

  /** Waits until every member that was ended so far is decoded and taken by its output. */
  async settle(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.settle()));
  }

  /** Ends the threads wherever they are; outputs are not called any more once it resolves. */
  async stop(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop()));
  }

  /** Another thread is started only when all have something to do. */
  #leastBusy(): Slot {
    const [idle] = this.#slots.toSorted((a, b) => a.members - b.members);
    if (idle?.members === 0) return idle;
    if (idle && this.#slots.length >= this.#threads) return idle;
    const slot = new Slot({ key: this.#key, ...outputs }, this.#onCut);
    this.#slots.push(slot);
    return slot;
  }
}

interface OpenMember {
  output: PlainOutput;
  /** Everything that came so far is taken by the output. */
  written: Promise<void>;
  /** No more bytes come. */
  ended: boolean;
}

class Slot {
  readonly #thread: Thread<ToDecodeThread>;
  readonly #open = new Map<number, OpenMember>();
  readonly #ending = new Set<Promise<void>>();
  readonly #inputs = new BufferPool(inputs.buffers, inputs.bufferBytes);
  #failure: { error: unknown } | undefined;
  /** Resolves what waits for a change. */
  #onChange: () => void = () => undefined;
  readonly #onCut: DecodePoolOptions['onCut'];

  constructor(data: DecodeThreadData, onCut: DecodePoolOptions['onCut']) {
    this.#onCut = onCut;
    this.#thread = startThread<ToDecodeThread, FromDecodeThread>(
      import.meta.url,
      'decode-thread',
      data,
      (message) => {
        this.#take(message);
      },
    );
    this.#thread.failed.catch(this.#fail);
  }

  get members(): number {
    return this.#open.size;
  }

  open(
    member: { id: number; path: string; suffixes: readonly Suffix[] },
    output: PlainOutput,
  ): DecodedMember {
    const { id } = member;
    const entry = { output, written: Promise.resolve(), ended: false };
    this.#open.set(id, entry);
    this.#thread.post({ kind: 'open', ...member });
    return {
      write: async (bytes) => {
        for (let at = 0; at < bytes.length; at += inputs.bufferBytes) {
          const input = await this.#inputs.take();
          const part = bytes.subarray(at, at + input.length);
          input.set(part);
          const { buffer } = input;
          this.#thread.post({ kind: 'bytes', id, buffer, length: part.length }, [buffer]);
        }
      },
      end: () => {
        entry.ended = true;
        this.#thread.post({ kind: 'end', id, mayBeCut: this.#onCut !== undefined });
      },
    };
  }

  async settle(): Promise<void> {
    const isEnding = (): boolean => [...this.#open.values()].some(({ ended }) => ended);
    await this.#until(() => this.#ending.size === 0 && !isEnding());
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
    // What the output is at must not go on behind the back of who stopped us.
    const writing = [...this.#open.values()].map(({ written }) => written);
    await Promise.allSettled([...writing, ...this.#ending]);
  }

  readonly #fail = (error: unknown): void => {
    this.#failure ??= { error };
    this.#inputs.fail(error);
    this.#tellChange();
  };

  /** Waits for a state, or throws the failure that comes before it. */
  async #until(isThere: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      if (isThere()) return;
      await new Promise<void>((resolve) => {
        const before = this.#onChange;
        this.#onChange = () => {
          before();
          resolve();
        };
      });
    }
  }

  #tellChange(): void {
    const tell = this.#onChange;
    this.#onChange = () => undefined;
    tell();
  }

  #take(message: FromDecodeThread): void {
    switch (message.kind) {
      case 'taken':
        this.#inputs.back(message.buffer);
        break;
      case 'plain': {
        const member = this.#member(message.id);
        member.written = member.written.then(() => this.#write(member, message));
        member.written.catch(this.#fail);
        break;
      }
      case 'ended':
        if (message.cut !== undefined) this.#onCut?.(new BackupError('incomplete', message.cut));
        this.#end(message.id);
        break;
    }
  }

  async #write(
    { output }: OpenMember,
    { buffer, length }: { buffer: ArrayBuffer; length: number },
  ): Promise<void> {
    await output.write(new Uint8Array(buffer, 0, length));
    this.#thread.post({ kind: 'buffer', buffer }, [buffer]);
  }

  #end(id: number): void {
    const { output, written } = this.#member(id);
    this.#open.delete(id);
    const ending = written
      .then(() => output.end())
      .catch(this.#fail)
      .finally(() => {
        this.#ending.delete(ending);
        this.#tellChange();
      });
    this.#ending.add(ending);
  }

  #member(id: number): OpenMember {
    const member = this.#open.get(id);
    if (!member) throw new BackupError('failed', 'a decoded piece came for no member');
    return member;
  }
}
