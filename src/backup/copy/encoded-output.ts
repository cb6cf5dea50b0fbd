import type { MemberEncoder } from '../../transform/member-encoder.ts';
import { collectGarbage } from '../../worker/collect-garbage.ts';
import type { ChunkOutput } from './chunk-output.ts';
import type { FileOutput } from './copy-tablespace.ts';

/** Encodes what was read into the buffers of a copy thread. */
export class EncodedOutput implements FileOutput {
  readonly #output: ChunkOutput;
  readonly #encoder: MemberEncoder;
  readonly #plain: Uint8Array<ArrayBuffer>;
  /** Of the file at hand. */
  #empty = true;

  /** `plain`: memory to read into, as much of a file as is encoded at a time. */
  constructor(output: ChunkOutput, encoder: MemberEncoder, plain: Uint8Array<ArrayBuffer>) {
    this.#output = output;
    this.#encoder = encoder;
    this.#plain = plain;
  }

  get suffix(): string {
    return this.#encoder.suffix;
  }

  take(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this.#plain);
  }

  async send(plain: Uint8Array, length: number): Promise<void> {
    this.#empty = false;
    const buffer = await this.#output.take();
    this.#output.send(buffer, this.#encoder.encodeInto(plain.subarray(0, length), buffer));
    await collectGarbage();
  }

  back(): void {
    // It was never lent.
  }

  async end(): Promise<void> {
    const empty = this.#empty;
    this.#empty = true;
    if (!empty) return;
    const nothing = this.#encoder.encodeNothing();
    if (nothing.length === 0) return;
    const buffer = await this.#output.take();
    buffer.set(nothing);
    this.#output.send(buffer, nothing.length);
  }
}
