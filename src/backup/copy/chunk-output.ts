import { createHash } from 'node:crypto';
import { crc32 } from '../../../formats/crc.ts';
import { BufferPool } from '../../worker/buffer-pool.ts';
import type { ThreadPort } from '../../worker/thread.ts';
import type { FromCopyThread } from './copy-messages.ts';
import type { FileOutput } from './copy-tablespace.ts';

/**
 * The buffers of a copy thread. They move to the writer and come back when they
 * are written: with none at hand the thread waits, which is how a slow sink slows
 * the copying and memory stays flat.
 */
export class ChunkOutput implements FileOutput {
  readonly suffix = '';
  readonly #port: ThreadPort<FromCopyThread, unknown>;
  readonly #pool: BufferPool;
  readonly #digests: boolean;

  constructor(
    port: ThreadPort<FromCopyThread, unknown>,
    options: { buffers: number; chunkBytes: number; digests: boolean },
  ) {
    this.#port = port;
    this.#pool = new BufferPool(options.buffers, options.chunkBytes);
    this.#digests = options.digests;
  }

  /** A buffer to fill; it must go to `send` or `back`. */
  async take(): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#pool.take();
  }

  send({ buffer }: Uint8Array<ArrayBuffer>, length: number): void {
    const payload = new Uint8Array(buffer, 0, length);
    const crc = crc32(payload);
    const sha256 = this.#digests ? createHash('sha256').update(payload).digest('hex') : undefined;
    this.#port.post({ kind: 'chunk', buffer, length, crc, sha256 }, [buffer]);
  }

  back(buffer: ArrayBuffer): void {
    this.#pool.back(buffer);
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}
