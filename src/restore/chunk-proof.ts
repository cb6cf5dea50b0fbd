import { type Hash, createHash } from 'node:crypto';
import { ChunkDecoder, type ChunkEvent, type PayloadHead } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import type { PlannedChunk } from './chunk-plan.ts';

/** Takes one chunk apart and holds it against the index: header, CRC and digest. */
export class ChunkProof {
  readonly #chunk: PlannedChunk;
  readonly #decoder: ChunkDecoder;
  readonly #digest: Hash | undefined;
  /** All of it came, and its CRC is right. */
  #isChecked = false;

  constructor(chunk: PlannedChunk) {
    this.#chunk = chunk;
    this.#decoder = new ChunkDecoder(chunk.offset);
    this.#digest = chunk.digest === undefined ? undefined : createHash('sha256');
  }

  /** The events of the next bytes of the chunk, under the name that the member has in the end. */
  *push(bytes: Uint8Array): Generator<ChunkEvent> {
    this.#decoder.push(bytes);
    for (let event = this.#decoder.next(); event; event = this.#decoder.next()) {
      if (event.kind === 'payload' || event.kind === 'sparse') {
        this.#compare(event);
        yield { ...event, path: this.#chunk.entry.path };
        continue;
      }
      if (event.kind === 'data') this.#digest?.update(event.bytes);
      else if (event.kind === 'checked') this.#isChecked = true;
      else throw this.#differs('it is not the one in the index');
      yield event;
    }
  }

  /** All of its bytes were pushed. */
  end(): void {
    if (!this.#isChecked) throw this.#differs('it is not the one in the index');
    if (this.#digest && this.#digest.digest('hex') !== this.#chunk.digest) {
      throw this.#differs('it has not the SHA-256 of the index');
    }
  }

  #compare(head: PayloadHead): void {
    const { entry, headerLength, payloadLength, fileOffset, crc } = this.#chunk;
    const isSame =
      head.path === (entry.chunkPath ?? entry.path) &&
      head.headerLength === headerLength &&
      head.length === payloadLength &&
      head.fileOffset === fileOffset &&
      head.crc === crc;
    if (!isSame || head.flags !== 0) throw this.#differs('it is not the one in the index');
  }

  #differs(message: string): BackupError {
    const { entry, ordinal, offset } = this.#chunk;
    const { path } = entry;
    return new BackupError(
      'corrupt',
      `member ${path}: chunk ${ordinal} at byte ${offset}: ${message}`,
      { where: { path, offset } },
    );
  }
}
