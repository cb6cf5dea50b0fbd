import type { MemberEncoder } from '../../transform/member-encoder.ts';
import type { ChunkOutput } from './chunk-output.ts';
import type { BlockOutput } from './copy-tablespace.ts';

/** Encodes what was read into the buffers of a copy thread. */
export class EncodedOutput implements BlockOutput {
  readonly #output: ChunkOutput;
  readonly #encoder: MemberEncoder;
  readonly #plain: Uint8Array<ArrayBuffer>;
  #empty = true;

  /** `plainBytes`: how much is read and encoded at a time. */
  constructor(output: ChunkOutput, encoder: MemberEncoder, plainBytes: number) {
    this.#output = output;
    this.#encoder = encoder;
    this.#plain = new Uint8Array(plainBytes);
  }

  take(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this.#plain);
  }

  async send(plain: Uint8Array, length: number): Promise<void> {
    this.#empty = false;
    await this.#put(this.#encoder.encode(plain.subarray(0, length)));
  }

  back(): void {
    // It was never lent.
  }

  /** The end of the file. */
  async end(): Promise<void> {
    const nothing = this.#empty ? this.#encoder.encodeNothing() : new Uint8Array(0);
    if (nothing.length > 0) await this.#put(nothing);
  }

  async #put(encoded: Uint8Array): Promise<void> {
    const buffer = await this.#output.take();
    buffer.set(encoded);
    this.#output.send(buffer, encoded.length);
  }
}
