import { crc32 } from '../../../formats/crc.ts';
import type { ThreadPort } from '../../worker/thread.ts';
import type { FromCopyThread } from './copy-messages.ts';

/**
 * The buffers of a copy thread. They move to the writer and come back when they
 * are written: with none at hand the thread waits, which is how a slow sink slows
 * the copying and memory stays flat.
 */
export class ChunkOutput {
  readonly #port: ThreadPort<FromCopyThread, unknown>;
  readonly #free: ArrayBuffer[] = [];
  #waiting: ((buffer: ArrayBuffer) => void) | undefined;

  constructor(port: ThreadPort<FromCopyThread, unknown>, buffers: number, chunkBytes: number) {
    this.#port = port;
    for (let i = 0; i < buffers; i++) this.#free.push(new ArrayBuffer(chunkBytes));
  }

  /** A buffer to fill; it must go to `send` or `back`. */
  async take(): Promise<Uint8Array<ArrayBuffer>> {
    const buffer =
      this.#free.pop() ??
      (await new Promise<ArrayBuffer>((resolve) => {
        this.#waiting = resolve;
      }));
    return new Uint8Array(buffer);
  }

  send({ buffer }: Uint8Array<ArrayBuffer>, length: number): void {
    const crc = crc32(new Uint8Array(buffer, 0, length));
    this.#port.post({ kind: 'chunk', buffer, length, crc }, [buffer]);
  }

  back(buffer: ArrayBuffer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(buffer);
    else this.#free.push(buffer);
  }
}
