import { blockBytes, blockStart } from '../../../formats/mysql-redo/index.ts';
import type { RedoOutput } from '../redo/redo-follower.ts';
import { SpillQueue } from '../spill-queue.ts';

const memoryBytesMax = 16 * 1024 * 1024;

/**
 * Blocks of redo that were copied before it is known where the log ends, so that none from
 * behind the end gets out. In memory first, beyond that in temporary files.
 */
export class HeldBlocks {
  /** Where the first block begins. */
  readonly startLsn: number;
  readonly #queue: SpillQueue;

  constructor(startLsn: number, spoolDirectory: string) {
    this.startLsn = startLsn;
    this.#queue = new SpillQueue(spoolDirectory, memoryBytesMax);
  }

  /** Takes a copy. */
  readonly add: RedoOutput = (blocks) => {
    this.#queue.push(blocks.slice());
  };

  /**
   * Hands over the blocks in front of the one that holds `lsn`, no lower than `startLsn`. Returns
   * that one, if it is here; what follows it is dropped.
   */
  release(lsn: number, output: RedoOutput): Uint8Array | undefined {
    let inFront = blockStart(lsn) - this.startLsn;
    let held = this.#queue.shift();
    while (held && held.length <= inFront) {
      output(held);
      inFront -= held.length;
      held = this.#queue.shift();
    }
    if (held) output(held.subarray(0, inFront));
    this.#queue.close();
    return held?.subarray(inFront, inFront + blockBytes);
  }

  close(): void {
    this.#queue.close();
  }
}
