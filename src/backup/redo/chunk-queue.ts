import { crc32 } from '../../../formats/crc.ts';
import type { ThreadPort } from '../../worker/thread.ts';
import { SpillQueue } from '../spill-queue.ts';
import type { FromRedoThread, ToRedoThread } from './redo-messages.ts';

const chunkBytes = 1024 * 1024;
const queueBytesMax = 16 * 1024 * 1024;

/** Collects redo into chunks and hands them over as the sink grants credit. */
export class ChunkQueue {
  readonly #port: ThreadPort<FromRedoThread, ToRedoThread>;
  readonly #spill: SpillQueue;
  #chunk = new Uint8Array(chunkBytes);
  #filled = 0;
  #credits = 0;
  #onDrained: (() => void) | undefined;

  constructor(port: ThreadPort<FromRedoThread, ToRedoThread>, spoolDirectory: string) {
    this.#port = port;
    this.#spill = new SpillQueue(spoolDirectory, queueBytesMax);
  }

  get spilledBytes(): number {
    return this.#spill.spilledBytes;
  }

  readonly add = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + chunkBytes - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === chunkBytes) this.#cut();
    }
  };

  credit(): void {
    this.#credits += 1;
    this.#send();
  }

  async drained(): Promise<void> {
    if (this.#filled > 0) this.#cut();
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.#send();
    });
  }

  close(): void {
    this.#spill.close();
  }

  #cut(): void {
    this.#spill.push(this.#chunk.slice(0, this.#filled));
    this.#filled = 0;
    this.#send();
  }

  #send(): void {
    while (this.#credits > 0) {
      const bytes = this.#spill.shift();
      if (!bytes) {
        this.#onDrained?.();
        return;
      }
      this.#credits -= 1;
      this.#port.post({ kind: 'chunk', bytes, crc: crc32(bytes) }, [bytes.buffer]);
    }
  }
}
