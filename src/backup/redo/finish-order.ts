import type { ThreadPort } from '../../worker/thread.ts';
import type { FromRedoThread, ToRedoThread } from './redo-messages.ts';

/** The order to finish, and the pause between two turns, which the order cuts short. */
export class FinishOrder {
  lsn: number | undefined;
  #wake: () => void = () => undefined;

  constructor(port: ThreadPort<FromRedoThread, ToRedoThread>, onCredit: () => void) {
    port.onMessage((message) => {
      if (message.kind === 'credit') onCredit();
      else {
        this.lsn = message.lsn;
        this.#wake();
      }
    });
  }

  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
