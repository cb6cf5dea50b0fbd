import type { ThreadPort } from '../../worker/thread.ts';
import type { FromRedoThread, ToRedoThread } from './redo-messages.ts';

/** What the redo thread is told, and the pause between two turns, which an order cuts short. */
export class RedoOrders {
  /** Where the log is to end, once that is known. */
  stopLsn: number | undefined;
  #hold = false;
  #isNew = false;
  #wake: () => void = () => undefined;

  constructor(port: ThreadPort<FromRedoThread, ToRedoThread>, onCredit: () => void) {
    port.onMessage((message) => {
      if (message.kind === 'credit') {
        onCredit();
        return;
      }
      if (message.kind === 'finish') this.stopLsn = message.lsn;
      else this.#hold = true;
      this.#isNew = true;
      this.#wake();
    });
  }

  /** Whether what is copied from now on is to wait for the end; says so once. */
  takeHold(): boolean {
    const hold = this.#hold;
    this.#hold = false;
    return hold;
  }

  /** No longer than until the next order; not at all when one came since the last call. */
  async wait(ms: number): Promise<void> {
    if (!this.#isNew) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isNew = false;
  }
}
